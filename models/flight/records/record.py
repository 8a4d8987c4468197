"""The record of one answer: who asked, what was known, what was offered, how it was scored, what was shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from features.arrays import Float32, Int64
from models.online.answer import OneCandidates


@dataclass(frozen=True, kw_only=True)
class FlightRecord:
    """One recorded answer.

    at: the query's instant, answered_at: when the id was made, to the millisecond [both µs since 1970 UTC];
    log_position: seq of the last event of the log that the user's history holds, items_position: that the item states
    hold, learned_position: that parts which learn between releases hold (None: none does); n_events: choices in the
    history, n_blocked: items that must not be offered; request: the body as JSON, with the user's id as the data hold
    it.
    scores: (n_candidates,) of the ranker; feature_rows: (n_kept,) rows of the candidates whose features are kept, those
    shown among them; features: (n_kept, n_features); shown: (n_shown,) rows, in the order shown; propensities:
    (n_shown,) or None; left_out: stages and retrievers without time; stage_ms: milliseconds of each stage.
    """

    request_id: str
    answered_at: int
    at: int
    user_id: str
    release: str
    log_position: int
    items_position: int
    n_events: int
    n_blocked: int
    k: int
    request: str
    fallback: str | None
    retrievers: tuple[str, ...]
    candidates: OneCandidates
    feature_names: tuple[str, ...]
    feature_rows: Int64
    features: Float32
    scores: Float32
    shown: Int64
    propensities: Float32 | None
    learned_position: int | None = None
    left_out: tuple[str, ...] = ()
    stage_ms: dict[str, float] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, Any]:
        """The fields of the request."""
        return dict(msgspec.json.decode(self.request))

    def row_of(self, item: int) -> int | None:
        """The candidates' row of an item (a position); None where no retriever offered it."""
        rows = (self.candidates.items == item).nonzero()[0]
        return int(rows[0]) if len(rows) else None

    def features_of(self, row: int) -> Float32 | None:
        """(n_features,) of a candidate; None where they were not kept."""
        kept = (self.feature_rows == row).nonzero()[0]
        return self.features[kept[0]] if len(kept) else None
