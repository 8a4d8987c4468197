"""Features of a recorded answer's candidates as they would be, had a retriever placed one of them otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.arrays import Float32, Int64
from models.data.types import Candidates
from models.flight.records.record import FlightRecord
from models.flight.replay import ordered
from models.interfaces import FeatureLookup
from models.online.answer import OneCandidates
from models.ranking.features import QUERY_FEATURES, features_of
from models.recommender import Recommender


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One item among the candidates of a record. record: with a row for the item; row: its place; features:
    (n_features,) of it; recorded: whether all of them were recorded, else some are as of now."""

    record: FlightRecord
    row: int
    features: Float32
    recorded: bool

    def place_with(self, score: float, recommender: Recommender) -> int | None:
        """The item's place in the list, from 1, had the ranker given it this score; None: it is not shown."""
        scores = self.record.scores.copy()
        scores[self.row] = score
        shown = ordered(self.record, scores, recommender)
        places = np.flatnonzero(shown == self.row)
        return int(places[0]) + 1 if len(places) else None


def item_row(record: FlightRecord, recommender: Recommender, lookup: FeatureLookup, item: int) -> ItemRow:
    """The row of an item (a position); one that nobody offered gets a row that nobody ranks, and the lowest score."""
    row = record.row_of(item)
    if row is not None and (kept := record.features_of(row)) is not None:
        return ItemRow(record=record, row=row, features=kept, recorded=True)
    if row is None:
        record, row = _with_row(record, item)
    return ItemRow(record=record, row=row, features=looked_up(record, lookup, record.candidates)[row], recorded=False)


def ranked_at(one: ItemRow, retriever: int, rank: int) -> OneCandidates:
    """The candidates, had a retriever (a column) given the item a rank, with the score of who has that rank."""
    candidates = one.record.candidates
    ranks, scores = candidates.ranks.copy(), candidates.scores.copy()
    others = (ranks[:, retriever] >= rank) & (np.arange(len(ranks)) != one.row)
    if ranks[one.row, retriever] > 0:
        others &= ranks[:, retriever] < ranks[one.row, retriever]
    holder = np.flatnonzero(candidates.ranks[:, retriever] == rank)
    lowest = np.nanmin(scores[:, retriever]) if (ranks[:, retriever] > 0).any() else 0.0
    ranks[others & (ranks[:, retriever] > 0), retriever] += 1
    scores[one.row, retriever] = candidates.scores[holder[0], retriever] if len(holder) else lowest
    ranks[one.row, retriever] = rank
    return replace(candidates, ranks=ranks, scores=scores)


def moved_features(one: ItemRow, lookup: FeatureLookup, candidates: OneCandidates) -> Float32:
    """(n_features,) of the item among other candidates: what comes from the retrievers is new, the rest stays."""
    changed = looked_up(one.record, _Nothing(lookup.names), candidates)[one.row]
    n_from_retrievers = 2 * len(one.record.retrievers) + 1
    values: Float32 = np.concatenate([changed[:n_from_retrievers], one.features[n_from_retrievers:]])
    return values


def looked_up(record: FlightRecord, lookup: FeatureLookup, candidates: OneCandidates) -> Float32:
    """(n_candidates, n_features) for the record's user and instant, the looked-up ones as the lookup has them."""
    batch = Candidates(
        retrievers=record.retrievers,
        query=np.zeros(len(candidates), dtype=np.int32),
        item=candidates.items,
        scores=candidates.scores,
        ranks=candidates.ranks,
    )
    user_ids, at = np.array([record.user_id], dtype=np.str_), np.array([record.at], dtype=np.int64)
    return features_of(batch, user_ids, at, _of_query(record), lookup)


def _of_query(record: FlightRecord) -> Float32:
    """(1, 2) the features of the query, from a recorded row; NaN where none is recorded."""
    columns = [record.feature_names.index(name) for name in QUERY_FEATURES if name in record.feature_names]
    if not len(record.features) or len(columns) != len(QUERY_FEATURES):
        return np.array([[np.nan, np.log1p(record.n_events)]], dtype=np.float32)
    return record.features[:1, columns]


def _with_row(record: FlightRecord, item: int) -> tuple[FlightRecord, int]:
    """The record with a row for an item that nobody offered."""
    candidates = record.candidates
    row = int(np.searchsorted(candidates.items, item))
    wider = OneCandidates(
        items=np.insert(candidates.items, row, item),
        scores=np.insert(candidates.scores, row, np.nan, axis=0),
        ranks=np.insert(candidates.ranks, row, 0, axis=0),
    )

    def later(rows: Int64) -> Int64:
        return rows + (rows >= row)

    lowest = record.scores.min(initial=0.0) - 1.0
    changed = replace(
        record,
        candidates=wider,
        scores=np.insert(record.scores, row, lowest).astype(np.float32),
        shown=later(record.shown),
        feature_rows=later(record.feature_rows),
    )
    return changed, row


class _Nothing:
    """A lookup that knows nothing."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def features(self, user_ids: object, at: object, query: object, item: np.ndarray) -> Float32:  # type: ignore[type-arg]
        return np.full((len(item), len(self.names)), np.nan, dtype=np.float32)
