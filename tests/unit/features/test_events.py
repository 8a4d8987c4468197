"""The event log: each event once, in a strict order, durable, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest

from features.errors import UserError
from features.events.event_log import Event, EventLog, NewEvent
from features.events.shards import compact, frame, restore, retire, shards, verify
from features.schema import INTERACTIONS

SECOND = 1_000_000


def click(user: str = "u1", item: str = "i1", event_id: str | None = None, at: int | None = None) -> NewEvent:
    return NewEvent(user, item, "click", timestamp=at, event_id=event_id)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'events.db'}"


def test_what_was_appended_is_read_back_in_order(url):
    log = EventLog(url, now=lambda: 1_700_000_000 * SECOND)
    event = NewEvent(
        "ü 1/2", "i:'x'", "rate", timestamp=1_600_000_000 * SECOND, value=4.5, event_id="a", request_id="r"
    )
    first = log.append([event, click()])
    assert [found.seq for found in first.events] == [1, 2]
    assert first.n_duplicates == 0
    kept = log.read()
    assert kept == list(first.events)
    known_at = 1_700_000_000 * SECOND
    assert kept[0] == Event(1, "a", "ü 1/2", "i:'x'", "rate", 1_600_000_000 * SECOND, 4.5, known_at, "r")
    assert log.last_seq() == 2
    assert log.of_user("u1") == [kept[1]]
    assert log.of_user("u1", after_seq=2) == []
    assert log.read(1, limit=1) == [kept[1]]
    assert log.users() == ["u1", "ü 1/2"]
    assert log.users("ü") == ["ü 1/2"]


def test_known_at_grows_even_when_the_clock_stands_still_or_goes_back(url):
    instants = iter([100, 100, 100, 40, 200])
    log = EventLog(url, now=lambda: next(instants))
    log.append([click(), click(), click()])
    log.append([click()])
    log.append([click()])
    assert [event.known_at for event in log.read()] == [100, 101, 102, 103, 200]


def test_the_same_event_id_is_recorded_once_within_and_across_batches(url):
    log = EventLog(url)
    assert log.append([click(event_id="a"), click(event_id="a"), click(event_id="b")]).n_duplicates == 1
    again = log.append([click(event_id="b"), click(event_id="c")])
    assert (len(again.events), again.n_duplicates) == (1, 1)
    assert [event.event_id for event in EventLog(url).read()] == ["a", "b", "c"]


def test_events_without_an_id_are_events_of_their_own(url):
    log = EventLog(url)
    assert log.append([click(), click()]).n_duplicates == 0
    assert len({event.event_id for event in log.read()}) == 2


def test_several_batches_in_one_commit_get_an_answer_each(url):
    answers = EventLog(url).append_batches([[click(event_id="a")], [click(event_id="a"), click(event_id="b")]])
    assert [(len(answer.events), answer.n_duplicates) for answer in answers] == [(1, 0), (1, 1)]


def test_a_slightly_early_clock_is_set_to_the_time_of_arrival(url):
    log = EventLog(url, now=lambda: 1000)
    log.append([click(at=5000)])
    assert log.read()[0].timestamp == 1000


def append_many(arguments: tuple[str, int]) -> int:
    """50 batches: 50 ids that every process sends, and 50 of its own."""
    url, process = arguments
    log = EventLog(url)
    return sum(
        log.append(
            [click(event_id=f"shared-{i}"), click(user=f"p{process}", event_id=f"own-{process}-{i}")]
        ).n_duplicates
        for i in range(50)
    )


def test_concurrent_processes_count_each_duplicate_once_and_leave_no_gap(url):
    with ProcessPoolExecutor(3) as pool:
        n_duplicates = sum(pool.map(append_many, [(url, 1), (url, 2), (url, 3)]))
    events = EventLog(url).read()
    assert n_duplicates == 100  # 3 x 50 shared ids, recorded 50 times
    assert [event.seq for event in events] == list(range(1, 201))
    known = [event.known_at for event in events]
    assert known == sorted(set(known))
    assert verify(EventLog(url)).faults == ()


def test_a_new_file_that_another_connection_is_writing_is_waited_for(tmp_path):
    writer = sqlite3.connect(tmp_path / "events.db", isolation_level=None, check_same_thread=False)
    writer.execute("begin immediate")
    writer.execute("create table other (x integer)")
    ends = threading.Timer(0.3, writer.execute, ["commit"])
    ends.start()
    assert len(EventLog(f"sqlite:///{tmp_path}/events.db").append([click()]).events) == 1
    ends.join()
    writer.close()


def test_a_reader_that_follows_by_seq_misses_nothing_while_others_append(url):
    with ProcessPoolExecutor(2) as pool:
        running = [pool.submit(append_many, (url, process)) for process in (1, 2)]
        log, seen = EventLog(url), []
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            done = all(future.done() for future in running)
            seen += [event.seq for event in log.read(seen[-1] if seen else 0)]
            if done:
                break
    assert seen == list(range(1, 151))


def test_acknowledged_events_survive_a_kill(tmp_path, url):
    program = (
        "import sys\nfrom features.events.event_log import EventLog, NewEvent\n"
        f"log = EventLog({url!r})\n"
        "for i in range(10**9):\n"
        "    log.append([NewEvent('u', 'i', 'click', event_id=str(i))])\n"
        "    sys.stdout.write(f'{i}\\n'); sys.stdout.flush()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    for _ in range(40):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    acknowledged = 40 + len([line for line in process.stdout.read().split("\n") if line])
    process.wait()
    recorded = [int(event.event_id) for event in EventLog(url).read(limit=10**6)]
    assert recorded == list(range(len(recorded)))
    assert len(recorded) >= acknowledged - 1  # the last line may be torn by the kill


def test_the_export_is_a_table_of_interactions_and_goes_on_where_it_ended(url):
    log = EventLog(url, now=lambda: 1_700_000_000 * SECOND)
    log.append([click(at=1_600_000_000 * SECOND)])
    rows, through = log.to_interactions()
    assert INTERACTIONS.check(rows, source="test").rows() == [
        (
            "u1",
            "i1",
            datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC),
            "click",
            None,
            datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        )
    ]
    assert through == 1
    assert log.to_interactions(through)[0].height == 0
    log.append([click(), click()])
    rows, further = log.to_interactions(through)
    assert (rows.height, further) == (2, 3)


def test_compaction_copies_each_event_once_and_verification_sees_what_was_altered(url, tmp_path, monkeypatch):
    monkeypatch.setattr("features.events.shards.SHARD_ROWS", 4)
    log, folder = EventLog(url), tmp_path / "shards"
    assert compact(log, folder) == 0
    log.append([click() for _ in range(3)])
    assert compact(log, folder) == 3
    log.append([click() for _ in range(7)])
    assert compact(log, folder) == 7
    assert [(shard.first, shard.last) for shard in shards(folder)] == [(1, 4), (5, 8), (9, 10)]
    assert compact(log, folder) == 0
    found = verify(log, folder)
    assert (found.n_events, found.last_seq, found.n_shards, found.compacted_through) == (10, 10, 3, 10)
    assert found.faults == ()
    shard = shards(folder)[1].path
    shard.write_bytes(b"nonsense")
    assert "events-000000000005" in verify(log, folder).faults[0]
    shard.unlink()
    assert "expected 5" in verify(log, folder).faults[0]


def test_a_crash_between_writing_and_removing_a_shard_is_mended(url, tmp_path):
    log, folder = EventLog(url), tmp_path / "shards"
    log.append([click(), click()])
    compact(log, folder)
    shorter = shards(folder)[0].path
    left = shorter.read_bytes()
    log.append([click()])
    compact(log, folder)
    shorter.write_bytes(left)  # as if the removal had not happened
    assert [(shard.first, shard.last) for shard in shards(folder)] == [(1, 3)]
    assert verify(log, folder).faults == ()
    compact(log, folder)
    assert not shorter.exists()


def test_an_unknown_kind_of_database_is_a_readable_mistake():
    with pytest.raises(UserError, match="RECOPS_DATABASE_URL: found 'mysql:…'; expected sqlite"):
        EventLog("mysql://root@localhost/x")


@pytest.fixture
def retired(url, tmp_path, monkeypatch):
    """Ten events known at 1, 2, … 10 s in shards of at most 4; those known before 7 s have left the database."""
    monkeypatch.setattr("features.events.shards.SHARD_ROWS", 4)
    instants = iter(range(1, 100))
    log, folder = EventLog(url, now=lambda: next(instants) * SECOND), tmp_path / "shards"
    log.append([NewEvent(f"u{n}", f"i{n}", "rate", value=n / 3, event_id=f"e{n}") for n in range(10)])
    before = log.frame()
    compact(log, folder)
    assert retire(log, folder, 7 * SECOND, through_seq=9) == 6
    return log, folder, before


def test_what_left_the_database_is_in_the_shards_alone_and_everything_is_read_from_both(retired):
    log, folder, before = retired
    assert [event.seq for event in log.read()] == [7, 8, 9, 10]
    assert (log.count(), log.last_seq(), log.retired_through()) == (4, 10, 6)
    assert frame(log, folder).equals(before)
    assert frame(log, folder, 3, 8).equals(before[3:8])
    assert frame(log, folder, 8).equals(before[8:])
    assert verify(log, folder).faults == ()
    assert retire(log, folder, 7 * SECOND, through_seq=9) == 0


def test_an_event_that_is_not_exported_stays_however_old(retired):
    log, folder, _ = retired
    assert retire(log, folder, 100 * SECOND, through_seq=8) == 2
    assert [event.seq for event in log.read()] == [9, 10]


def test_the_log_goes_on_after_retention_and_its_shards_too(retired):
    log, folder, before = retired
    log.append([click("later")])
    assert compact(log, folder) == 1
    assert [(shard.first, shard.last) for shard in shards(folder)] == [(1, 4), (5, 8), (9, 11)]
    assert retire(log, folder, 100 * SECOND, through_seq=11) == 5
    log.append([click("last")])
    assert compact(log, folder) == 1  # the last shard grows, though the database no longer holds its beginning
    assert frame(log, folder)[:10].equals(before)
    assert frame(log, folder)["user_id"].to_list()[10:] == ["later", "last"]
    assert verify(log, folder).faults == ()


def test_the_check_sees_what_became_of_events_that_left_the_database(retired, tmp_path):
    log, folder, _ = retired
    first = shards(folder)[0].path
    kept = first.read_bytes()
    pl.read_parquet(first).with_columns(item_id=pl.lit("other")).write_parquet(first)
    assert "not those that left the database" in verify(log, folder).faults[0]
    first.unlink()
    assert "expected 1" in verify(log, folder).faults[0]
    with pytest.raises(UserError, match="holds 2 of the 6 events"):
        frame(log, folder)
    first.write_bytes(kept)
    assert verify(log, folder).faults == ()
    for shard in shards(folder):
        shard.path.rename(tmp_path / shard.path.name)
    with pytest.raises(UserError, match="events up to 6 have left the database"):
        compact(log, folder)


def test_nothing_leaves_the_database_that_its_shard_does_not_hold(retired):
    log, folder, _ = retired
    shard = shards(folder)[1].path
    pl.read_parquet(shard).with_columns(value=pl.lit(9.0)).write_parquet(shard)
    with pytest.raises(UserError, match="differ from the database"):
        retire(log, folder, 100 * SECOND, through_seq=10)
    assert log.retired_through() == 6


def test_the_database_is_rebuilt_from_the_shards(retired, tmp_path):
    log, folder, before = retired
    assert restore(log, folder) == 6
    assert log.frame().equals(before)
    assert log.retired_through() == 0
    assert restore(log, folder) == 0
    other = EventLog(f"sqlite:///{tmp_path / 'new.db'}")
    assert restore(other, folder) == 10
    assert other.frame().equals(before)
    assert other.append([click()]).events[0].seq == 11
    assert other.append([NewEvent("u0", "i0", "rate", event_id="e0")]).n_duplicates == 1
    assert verify(other, folder).faults == ()
    stranger = EventLog(f"sqlite:///{tmp_path / 'stranger.db'}")
    stranger.append([click()])
    with pytest.raises(UserError, match="has recorded 1 of its own"):
        restore(stranger, folder)


def test_a_log_of_an_earlier_version_learns_to_retire(url):
    log = EventLog(url)
    log.append([click()])
    with log.database.transaction(write=True) as statements:
        statements.execute("drop table events_retired")
    again = EventLog(url)
    assert again.retired_through() == 0
    assert again.append([click()]).events[0].seq == 2
