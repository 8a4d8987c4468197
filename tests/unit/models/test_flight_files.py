"""Records of answers: what goes in comes out, crashes lose the last batch at most, bounds hold, erased is erased."""

from __future__ import annotations

import json
import time

import numpy as np
import pyarrow as pa
import pytest

from models.flight.records import flight_files
from models.flight.records.columns import SCHEMA, to_batch
from models.flight.records.flight_folder import ORPHANED_S, FlightFolder
from models.flight.records.record import FlightRecord
from models.flight.records.request_ids import is_sampled, milliseconds_of, new_request_id
from models.online.answer import OneCandidates

DAY_US = 24 * 3600 * 1_000_000


def id_at(milliseconds: int, number: int = 0) -> str:
    """An id as it is made in a millisecond."""
    return f"{milliseconds:012x}7000{'8000'}{number:012x}"


def record(milliseconds: int = 1_700_000_000_000, number: int = 0, user_id: str = "u", **more) -> FlightRecord:
    """Three candidates of two retrievers, two of them shown; the features of the shown ones are kept."""
    nan = np.nan
    candidates = OneCandidates(
        items=np.array([3, 7, 9], dtype=np.int32),
        scores=np.array([[0.5, nan], [0.25, 2.0], [nan, 4.0]], dtype=np.float32),
        ranks=np.array([[1, 0], [2, 2], [0, 1]], dtype=np.int32),
    )
    fields = {
        "request_id": id_at(milliseconds, number),
        "answered_at": milliseconds * 1000,
        "at": 1_600_000_000_000_001,
        "user_id": user_id,
        "release": "r1",
        "log_position": 12,
        "items_position": 14,
        "n_events": 5,
        "n_blocked": 2,
        "k": 2,
        "request": '{"user_id":"u","k":2}',
        "fallback": None,
        "retrievers": ("a", "b"),
        "candidates": candidates,
        "feature_names": ("x", "y"),
        "feature_rows": np.array([1, 2]),
        "features": np.array([[0.1, nan], [1e-30, 3.0]], dtype=np.float32),
        "scores": np.array([0.1, 0.3, 0.2], dtype=np.float32),
        "shown": np.array([1, 2]),
        "propensities": None,
        "left_out": ("sequence",),
        "stage_ms": {"retrieve": 1.5},
    }
    return FlightRecord(**(fields | more))


def closed(folder: FlightFolder, *records: FlightRecord, mark: str = "1-a") -> flight_files.FlightFile:
    folder.path.mkdir(exist_ok=True)
    return flight_files.write_closed(folder.path, mark, iter([to_batch(records)]), folder.erased.without)


def stream(folder: FlightFolder, first: int, *batches: list[FlightRecord], mark: str = "2-b"):
    """A stream that its writer has not closed."""
    folder.path.mkdir(exist_ok=True)
    path = folder.path / f"{first:013d}-{mark}.arrows"
    with path.open("wb") as file:
        writer = pa.ipc.new_stream(file, SCHEMA)
        for batch in batches:
            writer.write_batch(to_batch(batch))
    return path


def assert_same(one: FlightRecord, other: FlightRecord) -> None:
    for name in FlightRecord.__dataclass_fields__:
        first, second = getattr(one, name), getattr(other, name)
        if isinstance(first, OneCandidates):
            for part in ("items", "scores", "ranks"):
                np.testing.assert_array_equal(getattr(first, part), getattr(second, part))
                assert getattr(first, part).dtype == getattr(second, part).dtype
        elif isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second)
            assert first.dtype == second.dtype
        else:
            assert first == second, name


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"propensities": np.array([1.0, 0.25], dtype=np.float32), "fallback": "popular", "learned_position": 4},
        {"feature_rows": np.zeros(0, np.int64), "features": np.zeros((0, 2), np.float32), "left_out": ()},
    ],
    ids=["plain", "drawn", "without a ranker"],
)
def test_a_record_is_read_as_it_was_written(tmp_path, more):
    folder = FlightFolder(tmp_path)
    written = record(**more)
    closed(folder, written, record(number=1, user_id="v"))
    assert_same(folder.find(written.request_id), written)


def test_an_answer_that_offered_nothing_is_a_record_too(tmp_path):
    folder, none = FlightFolder(tmp_path), np.zeros(0, np.int64)
    empty = OneCandidates(
        items=np.zeros(0, np.int32), scores=np.zeros((0, 2), np.float32), ranks=np.zeros((0, 2), np.int32)
    )
    scores, features = np.zeros(0, np.float32), np.zeros((0, 2), np.float32)
    written = record(candidates=empty, feature_rows=none, features=features, scores=scores, shown=none)
    closed(folder, written)
    assert_same(folder.find(written.request_id), written)


def test_ids_carry_their_millisecond_and_sort_by_it():
    before = time.time_ns() // 1_000_000
    ids = [new_request_id() for _ in range(100)]
    assert all(before <= milliseconds_of(one) <= time.time_ns() // 1_000_000 for one in ids)
    assert len(set(ids)) == 100
    assert [milliseconds_of(one) for one in sorted(ids)] == sorted(milliseconds_of(one) for one in ids)
    assert milliseconds_of("0f6c") is None
    assert milliseconds_of("0" * 32) is None  # of no version
    assert milliseconds_of("../../etc/passwd") is None


def test_a_share_of_the_answers_is_sampled_by_their_ids():
    ids = [new_request_id() for _ in range(4000)]
    assert all(is_sampled(one, 1.0) for one in ids)
    assert not any(is_sampled(one, 0.0) for one in ids)
    assert 800 < sum(is_sampled(one, 0.25) for one in ids) < 1200


def test_a_record_is_found_among_many_files_and_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(flight_files, "ROWS_A_GROUP", 4)
    folder, start = FlightFolder(tmp_path), 1_700_000_000_000
    for number in range(3):
        closed(folder, *(record(start + number * 1000 + row, row) for row in range(10)), mark=f"1-{number}")
    assert folder.find(id_at(start + 1007, 7)).answered_at == (start + 1007) * 1000
    assert folder.find(id_at(start + 1007, 8)) is None
    assert len(list(folder.records())) == 30
    assert len(list(folder.records(since=(start + 1000) * 1000, until=(start + 1005) * 1000))) == 6


def test_a_stream_that_a_crash_cut_off_is_read_up_to_its_last_whole_batch(tmp_path):
    folder, start = FlightFolder(tmp_path), 1_700_000_000_000
    path = stream(folder, start, [record(start, 0)], [record(start, 1)])
    whole = path.read_bytes()
    for n_bytes in (len(whole) - 3, len(whole) - 200):
        path.write_bytes(whole[:n_bytes])
        assert folder.find(id_at(start, 0)) is not None
        assert folder.find(id_at(start, 1)) is None
    path.write_bytes(b"")
    assert folder.find(id_at(start, 0)) is None
    path.write_bytes(b"\xff" * 100)
    assert list(folder.records()) == []


def test_a_damaged_file_hides_nothing_of_the_others(tmp_path):
    folder, start = FlightFolder(tmp_path), 1_700_000_000_000
    closed(folder, record(start, 1))
    (folder.path / f"{start:013d}-{start:013d}-9-x.parquet").write_bytes(b"PAR1 no")
    (folder.path / ".1-b.parquet.77.tmp").write_bytes(b"half")
    assert folder.find(id_at(start, 1)) is not None
    assert [one.request_id for one in folder.records()] == [id_at(start, 1)]


def test_what_a_dead_worker_left_becomes_a_file_of_its_whole_batches(tmp_path):
    folder, start = FlightFolder(tmp_path), 1_700_000_000_000
    path = stream(folder, start, [record(start, 0)], [record(start + 5, 1)])
    assert folder.close_orphans(start / 1000 + ORPHANED_S - 1) == 0  # its worker may live
    assert folder.close_orphans(start / 1000 + ORPHANED_S + 1) == 1
    assert not path.exists()
    assert [path.name for path in folder.path.glob("*.parquet")] == [f"{start}-{start + 5}-2-b.parquet"]
    assert folder.find(id_at(start, 0)) is not None
    assert folder.find(id_at(start + 5, 1)) is not None


def test_the_oldest_files_go_first_beyond_the_size_or_the_days(tmp_path):
    folder, start = FlightFolder(tmp_path), 1_700_000_000_000
    files = [closed(folder, record(start + n * 86_400_000), mark=f"1-{n}") for n in range(4)]
    now = (start + 4 * 86_400_000) * 1000
    size = files[0].path.stat().st_size
    assert folder.prune(size * 100, 30, now) == 0
    assert folder.prune(size * 100, 3.5, now) == 1  # of the first day
    assert folder.prune(int(size * 2.5), 30, now) == 1
    assert [file.path.exists() for file in files] == [False, False, True, True]


def test_an_erased_users_records_are_gone_from_files_and_streams_and_later_ones_stay(tmp_path):
    folder, start = FlightFolder(tmp_path), 1_700_000_000_000
    closed(folder, record(start, 0, "u"), record(start + 1, 1, "v"))
    closed(folder, record(start, 5, "v"), mark="1-c")
    path = stream(folder, start, [record(start + 2, 2, "u"), record(start + 3, 3, "v")])
    assert folder.erase("u", (start + 10) * 1000) == 1
    assert folder.find(id_at(start, 0)) is None
    assert folder.find(id_at(start + 2, 2)) is None
    assert {one.user_id for one in folder.records()} == {"v"}
    folder.close_stream(next(file for file in flight_files.flight_files(folder.path) if file.last is None))
    closed(folder, record(start + 20, 9, "u"), mark="1-d")
    texts = b"".join(path.read_bytes() for path in folder.path.glob("*.parquet"))
    assert len(list(folder.records())) == 4
    assert folder.find(id_at(start + 20, 9)).user_id == "u"
    assert json.loads((folder.path / "erased.json").read_text()) != {}
    assert not path.exists()
    assert id_at(start, 0).encode() not in texts
    folder.prune(1 << 40, 1, (start + 20) * 1000 + 2 * DAY_US)
    assert json.loads((folder.path / "erased.json").read_text()) == {}
