"""A user's rows after new events of the log: computed in memory, written by the namespace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from features.arrays import Float64, Int64
from features.online.rows import instant_of, values_of
from features.positives import REFUSALS, Positives
from features.states.aggregates import USER_CATEGORY_STATS, USER_STATS
from features.states.batches import Arrivals, Event, advance_through
from features.states.histories import USER_HISTORY
from features.states.item_states import ItemInfo
from features.states.user_state import UserState
from features.table import Table

Row = tuple[tuple[str, ...], dict[str, Any], datetime]


class UserUpdate:
    """Events that a user's history does not hold yet, in order of seq, and `state`, which takes them in.

    Each of a user's rows says which events it holds (`held`), since a crash may have come between two writes.
    """

    def __init__(self, state: UserState, events: Sequence[Event], info: ItemInfo, positives: Positives) -> None:
        self.state, self._events = state, events
        items = np.array([info.position.get(event.item_id, -1) for event in events], dtype=np.int64)
        prices = np.append(info.prices, np.float32(np.nan))[items]  # -1, an unknown item, is the one at the end
        codes = np.append(info.codes, np.int32(-1))[items]
        self._arrivals = Arrivals.of(events, prices, positives)
        touched = np.unique(codes[(codes >= 0) & ~self._arrivals.impression])
        self._rows_of: dict[str, Int64] = {
            info.category_names[code]: np.flatnonzero((codes == code) & ~self._arrivals.impression) for code in touched
        }
        self._rows: dict[str, list[Row]] = {}

    def categories(self) -> list[str]:
        """Names of the categories that the events touch."""
        return sorted(self._rows_of)

    def advance_user(self, held: int) -> None:
        """Takes all events into the user's statistics and history."""
        state, arrivals = self.state, self._arrivals
        state.stats = advance_through(state.stats, arrivals.after(held))
        self._merge_history()
        state.last_seq = self._events[-1].seq
        known_at = _last_known(arrivals)
        self._add(USER_STATS, (state.user_id,), values_of(USER_STATS, state.stats, max(held, state.last_seq)), known_at)
        history = {
            "item_ids": state.item_ids,
            "timestamps": state.timestamps.tolist(),
            "positive": state.positive.tolist(),
            "refused": state.refused.tolist(),
            "last_seq": state.last_seq,
        }
        self._add(USER_HISTORY, (state.user_id,), history, known_at)

    def advance_category(self, category: str, pair: Float64, held: int) -> None:
        """Takes the events of a category into its statistics with this user."""
        arrivals = self._arrivals.take(self._rows_of[category])
        pair = advance_through(pair, arrivals.after(held))
        self.state.by_category[category] = pair
        values = values_of(USER_CATEGORY_STATS, pair, max(held, int(arrivals.seqs[-1])))
        self._add(USER_CATEGORY_STATS, (self.state.user_id, category), values, _last_known(arrivals))

    def rows(self, table: Table) -> list[Row]:
        """What is to be written to a table: keys, values, instant."""
        return self._rows.get(table.name, [])

    def _merge_history(self) -> None:
        """Merges events in time order, late ones included; events of one instant stay in order of recording."""
        state, chosen = self.state, ~self._arrivals.impression
        timestamps = np.concatenate([state.timestamps, self._arrivals.timestamps[chosen]])
        order = np.argsort(timestamps, kind="stable")
        new = (event.item_id for event, counts in zip(self._events, chosen.tolist(), strict=True) if counts)
        item_ids = [*state.item_ids, *new]
        state.item_ids = [item_ids[row] for row in order.tolist()]
        state.timestamps = timestamps[order]
        state.positive = np.concatenate([state.positive, self._arrivals.positive[chosen]])[order]
        refused = np.array([event.event in REFUSALS for event in self._events], dtype=np.bool_)
        state.refused = np.concatenate([state.refused, refused[chosen]])[order]

    def _add(self, table: Table, key: tuple[str, ...], values: dict[str, Any], known_at: datetime) -> None:
        self._rows.setdefault(table.name, []).append((key, values, known_at))


def _last_known(arrivals: Arrivals) -> datetime:
    return instant_of(int(arrivals.known_at.max()))
