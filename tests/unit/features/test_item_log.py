"""The item log: changes are numbered, merged, idempotent, and survive the process; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from features.catalogue_changes.item import NewItem
from features.catalogue_changes.item_log import ItemLog
from features.events.connecting import open_database

DAY = 86_400_000_000


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'events.db'}"


@pytest.fixture
def log(url):
    with closing(open_database(url)) as database:
        yield ItemLog(database)


def seqs(posted) -> list[tuple[str, int, bool]]:
    return [(one.state.item_id, one.state.seq, one.changed) for one in posted]


def test_the_same_content_again_changes_nothing(log):
    scarf = NewItem("scarf", {"title": "Scarf", "price": 5.0})
    assert seqs(log.post([scarf, NewItem("hat", {"title": "Hat"})])) == [("scarf", 1, True), ("hat", 2, True)]
    assert seqs(log.post([scarf])) == [("scarf", 1, False)]
    assert seqs(log.post([NewItem("scarf", {"available": True})])) == [("scarf", 1, False)]
    assert log.last_seq() == 2


def test_a_change_keeps_what_it_does_not_name_and_null_clears(log):
    log.post([NewItem("scarf", {"title": "Scarf", "price": 5.0})])
    log.post([NewItem("scarf", {"price": 4.0, "available": False})])
    state = log.state("scarf")
    assert dict(state.fields) == {"title": "Scarf", "price": 4.0, "available": False}
    assert not state.available
    log.post([NewItem("scarf", {"title": None, "available": True})])
    assert dict(log.state("scarf").fields) == {"title": None, "price": 4.0}
    assert log.state("scarf").available


def test_two_changes_of_one_item_in_a_request_build_on_each_other(log):
    posted = log.post([NewItem("scarf", {"title": "Scarf"}), NewItem("scarf", {"price": 5.0})])
    assert dict(posted[1].state.fields) == {"title": "Scarf", "price": 5.0}
    assert seqs(posted) == [("scarf", 1, True), ("scarf", 2, True)]


def test_a_deleted_item_keeps_its_place_and_starts_anew(log):
    log.post([NewItem("scarf", {"title": "Scarf"}), NewItem("hat", {})])
    assert seqs([log.delete("scarf")]) == [("scarf", 3, True)]
    assert seqs([log.delete("scarf")]) == [("scarf", 3, False)]
    assert (log.state("scarf").deleted, dict(log.state("scarf").fields)) == (True, {})
    log.post([NewItem("scarf", {"price": 4.0})])
    assert [(state.item_id, state.first_seq, state.seq) for state in log.states()] == [("scarf", 1, 4), ("hat", 2, 2)]
    assert dict(log.state("scarf").fields) == {"price": 4.0}


def test_states_after_a_seq_are_those_of_the_items_that_changed_since(log):
    log.post([NewItem(item_id, {"title": item_id}) for item_id in ("a", "b", "c")])
    log.post([NewItem("a", {"price": 1.0})])
    assert [state.item_id for state in log.states(3)] == ["a"]
    assert log.states(4) == []


def test_an_item_starts_when_it_says_or_with_its_creation(log):
    log.post(
        [
            NewItem("a", {"created_at": DAY}),
            NewItem("b", {"created_at": DAY, "available_from": 3 * DAY, "available_until": 5 * DAY}),
            NewItem("c", {}),
        ]
    )
    assert [(state.starts, state.ends) for state in log.states()] == [(DAY, None), (3 * DAY, 5 * DAY), (None, None)]


def test_instants_of_changes_only_grow(url):
    clock = iter([10, 5, 5, 20, 20, 20])
    with closing(open_database(url)) as database:
        log = ItemLog(database, now=lambda: next(clock))
        posted = log.post([NewItem(item_id, {}) for item_id in ("a", "b", "c", "d")])
    assert [one.state.known_at for one in posted] == [10, 11, 12, 20]


WRITER = """
import sys
from features.catalogue_changes.item import NewItem
from features.catalogue_changes.item_log import ItemLog
from features.events.connecting import open_database
log = ItemLog(open_database(sys.argv[1]))
for number in range(100_000):
    posted = log.post([NewItem(f"i{number}", {"title": str(number)})])
    print(f"i{number}", posted[0].state.seq, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_was_acknowledged(url):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    lines = [writer.stdout.readline() for _ in range(20)]
    time.sleep(0.05)
    writer.kill()
    lines += writer.stdout.readlines()
    writer.wait()
    acknowledged = [line.split() for line in lines if line.endswith("\n")]
    with closing(open_database(url)) as database:
        log = ItemLog(database)
        states = log.states()
        kept = {state.item_id: state.seq for state in states}
        assert {item_id: int(seq) for item_id, seq in acknowledged}.items() <= kept.items()
        assert sorted(kept.values()) == list(range(1, log.last_seq() + 1))
        again = log.post([NewItem(state.item_id, json.loads(json.dumps(dict(state.fields)))) for state in states])
        assert not any(one.changed for one in again)
