"""A recorded query once more: the user as known then, what the request asked for, and why an item was not offered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.arrays import Bool
from features.events.event_log import Event
from features.states.user_state import UserState
from models.data.queries import one_query
from models.data.types import Queries
from models.flight.records.record import FlightRecord
from models.interfaces import FeatureLookup
from models.recommender import Recommender

SEEN, REFUSED, EXCLUDED = "seen", "refused", "exclude"
UNAVAILABLE, CATEGORY, PRICE = "unavailable", "filter.category", "filter.price_max"


@dataclass(frozen=True, kw_only=True)
class AsKnown:
    """A record with what its query was made of. state: the user's history as of the record's log position; lookup: of
    now, for features that were not recorded; unavailable: (n_items,) what must not be offered to anybody at the
    record's instant, or None."""

    record: FlightRecord
    recommender: Recommender
    lookup: FeatureLookup
    state: UserState
    unavailable: Bool | None

    def query(self, *, drop: Sequence[str] = ()) -> Queries:
        """The query, a batch of one. drop: reasons of `reasons_against` that are not to count."""
        record, asked, vocabulary = self.record, self.record.asked, self.recommender.catalogue.vocabulary
        excluded = [] if EXCLUDED in drop else list(asked.get("exclude") or [])
        excluded += [] if REFUSED in drop else self.state.refused_ids()
        history = asked.get("history")
        if history is None:
            item_ids, times, positive = self.state.item_ids, self.state.timestamps, self.state.positive.tolist()
        else:
            item_ids, positive = [item_id for item_id in history if item_id in vocabulary], None
            times = np.arange(record.at - len(item_ids) * 1_000_000, record.at, 1_000_000, dtype=np.int64)
        return one_query(
            record.user_id,
            record.at,
            item_ids,
            times,
            vocabulary,
            positive=positive,
            excluded_ids=excluded,
            unavailable=self._unavailable(drop),
            include_seen=bool(asked.get("include_seen")) or SEEN in drop,
        )

    def reasons_against(self, item: int) -> list[str]:
        """Why an item (a position) could not be offered, by the names above; empty: it could."""
        asked, catalogue = self.record.asked, self.recommender.catalogue
        item_id, wanted = catalogue.vocabulary.item_ids[item], asked.get("filter") or {}
        history = asked.get("history")
        reasons = []
        if item_id in (self.state.item_ids if history is None else history) and not asked.get("include_seen"):
            reasons.append(SEEN)
        if item_id in self.state.refused_ids():
            reasons.append(REFUSED)
        if item_id in (asked.get("exclude") or []):
            reasons.append(EXCLUDED)
        if self.unavailable is not None and self.unavailable[item]:
            reasons.append(UNAVAILABLE)
        if wanted.get("category") is not None and catalogue.item_categories[item] not in wanted["category"]:
            reasons.append(CATEGORY)
        if wanted.get("price_max") is not None and not catalogue.prices[item] <= wanted["price_max"]:
            reasons.append(PRICE)
        return reasons

    def _unavailable(self, drop: Sequence[str]) -> Bool | None:
        """(n_items,) what must not be offered to this request; None where all may."""
        catalogue, wanted = self.recommender.catalogue, self.record.asked.get("filter") or {}
        nobody = None if UNAVAILABLE in drop else self.unavailable
        out = np.zeros(catalogue.n_items, dtype=np.bool_) if nobody is None else nobody.copy()
        if wanted.get("category") is not None and CATEGORY not in drop:
            names = set(wanted["category"])
            codes = [code for code, name in enumerate(catalogue.category_names) if name in names]
            out |= ~np.isin(catalogue.categories, codes)
        if wanted.get("price_max") is not None and PRICE not in drop:
            out |= ~(catalogue.prices <= wanted["price_max"])  # an unknown price is NaN: out
        return out if out.any() else None


def state_as_of(state: UserState, later: Sequence[Event]) -> UserState:
    """A user's history without some events that came later; the statistics stay those of now."""
    if not later:
        return state
    gone = Counter((event.item_id, event.timestamp) for event in later if event.event != "impression")
    kept = np.ones(len(state.item_ids), dtype=np.bool_)
    for row in range(len(kept) - 1, -1, -1):
        key = (state.item_ids[row], int(state.timestamps[row]))
        if gone[key] > 0:
            gone[key] -= 1
            kept[row] = False
    return replace(
        state,
        item_ids=[item_id for item_id, keep in zip(state.item_ids, kept.tolist(), strict=True) if keep],
        timestamps=state.timestamps[kept],
        positive=state.positive[kept],
        refused=state.refused[kept],
        last_seq=min([state.last_seq, *(event.seq - 1 for event in later)]),
    )
