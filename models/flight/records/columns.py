"""Records as rows of a table: the columns of the files, and both directions of the conversion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.arrays import Int32
from models.flight.records.record import FlightRecord
from models.online.answer import OneCandidates

_INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        ("request_id", pa.string()),
        ("answered_at", _INSTANT),
        ("at", _INSTANT),
        ("user_id", pa.string()),
        ("release", pa.string()),
        ("log_position", pa.int64()),
        ("items_position", pa.int64()),
        ("learned_position", pa.int64()),
        ("n_events", pa.int32()),
        ("n_blocked", pa.int32()),
        ("k", pa.int32()),
        ("request", pa.string()),
        ("fallback", pa.string()),
        ("retrievers", pa.list_(pa.string())),
        ("items", pa.list_(pa.int32())),  # positions in the release's vocabulary, a row each
        ("scores", pa.list_(pa.float32())),  # of the ranker
        ("hit_counts", pa.list_(pa.int32())),  # hits of each retriever; the next three hold them one after the other
        ("hit_rows", pa.list_(pa.int32())),
        ("hit_ranks", pa.list_(pa.int32())),
        ("hit_scores", pa.list_(pa.float32())),
        ("feature_names", pa.list_(pa.string())),
        ("feature_rows", pa.list_(pa.int32())),
        ("features", pa.list_(pa.float32())),  # row by row
        ("shown", pa.list_(pa.int32())),  # rows, in the order shown
        ("propensities", pa.list_(pa.float32())),
        ("left_out", pa.list_(pa.string())),
        ("stage_ms", pa.map_(pa.string(), pa.float32())),
    ]
)
NUMBERS = ("scores", "hit_scores", "features", "propensities")  # floats: bytes of a kind stand together in a file


def to_batch(records: Sequence[FlightRecord]) -> pa.RecordBatch:
    """One row a record."""
    hits = [_hits(record.candidates) for record in records]
    columns: dict[str, Any] = {
        name: pa.array([getattr(record, name) for record in records], SCHEMA.field(name).type)
        for name in SCHEMA.names
        if not pa.types.is_list(SCHEMA.field(name).type) and not pa.types.is_map(SCHEMA.field(name).type)
    }
    columns["retrievers"] = _texts([record.retrievers for record in records])
    columns["feature_names"] = _texts([record.feature_names for record in records])
    columns["left_out"] = _texts([record.left_out for record in records])
    columns["items"] = _lists([record.candidates.items for record in records], np.int32)
    columns["scores"] = _lists([record.scores for record in records], np.float32)
    for number, name in enumerate(("hit_counts", "hit_rows", "hit_ranks", "hit_scores")):
        columns[name] = _lists([of_record[number] for of_record in hits], np.float32 if number == 3 else np.int32)
    columns["feature_rows"] = _lists([record.feature_rows for record in records], np.int32)
    columns["features"] = _lists([record.features.reshape(-1) for record in records], np.float32)
    columns["shown"] = _lists([record.shown for record in records], np.int32)
    columns["propensities"] = _lists([record.propensities for record in records], np.float32)
    columns["stage_ms"] = pa.array([list(record.stage_ms.items()) for record in records], SCHEMA.field("stage_ms").type)
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def record_at(table: pa.Table | pa.RecordBatch, row: int) -> FlightRecord:
    """The record of one row; columns that a file of an earlier version lacks are null."""

    def value(name: str) -> Any:
        return table.column(name)[row].as_py() if name in table.schema.names else None

    def array(name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
        values = table.column(name)[row].values
        return np.zeros(0, kind) if values is None else values.to_numpy(zero_copy_only=False).astype(kind)

    names, kept = tuple(value("feature_names")), array("feature_rows", np.int64)
    return FlightRecord(
        request_id=value("request_id"),
        answered_at=_microseconds(table, "answered_at", row),
        at=_microseconds(table, "at", row),
        user_id=value("user_id"),
        release=value("release"),
        log_position=value("log_position"),
        items_position=value("items_position"),
        learned_position=value("learned_position"),
        n_events=value("n_events"),
        n_blocked=value("n_blocked"),
        k=value("k"),
        request=value("request"),
        fallback=value("fallback"),
        retrievers=tuple(value("retrievers")),
        candidates=_candidates(array),
        feature_names=names,
        feature_rows=kept,
        features=array("features", np.float32).reshape(len(kept), len(names)),
        scores=array("scores", np.float32),
        shown=array("shown", np.int64),
        propensities=None if value("propensities") is None else array("propensities", np.float32),
        left_out=tuple(value("left_out")),
        stage_ms=dict(value("stage_ms")),
    )


def _hits(candidates: OneCandidates) -> tuple[Int32, npt.NDArray[Any], Int32, npt.NDArray[Any]]:
    """Counts, rows, ranks and scores of the hits, retriever by retriever."""
    column, row = np.nonzero(candidates.ranks.T > 0)
    counts = np.bincount(column, minlength=candidates.ranks.shape[1]).astype(np.int32)
    return counts, row, candidates.ranks[row, column], candidates.scores[row, column]


def _candidates(array: Callable[[str, type[np.generic]], npt.NDArray[Any]]) -> OneCandidates:
    items, counts, rows = array("items", np.int32), array("hit_counts", np.int32), array("hit_rows", np.int64)
    shape, column = (len(items), len(counts)), np.repeat(np.arange(len(counts)), counts)
    scores, ranks = np.full(shape, np.nan, dtype=np.float32), np.zeros(shape, dtype=np.int32)
    scores[rows, column], ranks[rows, column] = array("hit_scores", np.float32), array("hit_ranks", np.int32)
    return OneCandidates(items=items, scores=scores, ranks=ranks)


def _microseconds(table: pa.Table | pa.RecordBatch, name: str, row: int) -> int:
    return int(table.column(name)[row].cast(pa.int64()).as_py())


def _lists(arrays: Sequence[npt.NDArray[Any] | None], kind: type[np.generic]) -> pa.ListArray:
    """One list an array; null for None."""
    parts = [np.zeros(0, kind) if part is None else part for part in arrays]
    ends = np.cumsum([0, *(len(part) for part in parts)]).astype(np.int32)
    values = pa.array(np.concatenate(parts).astype(kind, copy=False) if parts else np.zeros(0, kind))
    missing = np.array([part is None for part in arrays], dtype=np.bool_)
    return pa.ListArray.from_arrays(pa.array(ends), values, mask=pa.array(missing) if missing.any() else None)


def _texts(rows: Sequence[tuple[str, ...]]) -> pa.ListArray:
    """One list a row; equal rows are converted once."""
    converted: dict[tuple[str, ...], pa.Array] = {}
    for row in rows:
        if row not in converted:
            converted[row] = pa.array(row, pa.string())
    ends = np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.concat_arrays([converted[row] for row in rows]))
