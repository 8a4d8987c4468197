"""Sequence scorer: the scores of one query by a `Sequential` plan, its user's session advanced by the new events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Bool, Float32, Int32
from models.online.per_user.user_cache import UserCache
from models.online.sequential.network_weights import NetworkWeights
from models.online.sequential.prefix import Prefix
from models.online.sequential.tails import Tails
from models.online.sequential.window import Window
from models.single_query.one_query import OneQuery
from models.single_query.query_plans import Sequential

CACHE_BYTES = 48 << 20  # some 230 users with 200 events each, at 64 dimensions and two layers
MOST_EVENTS = 64  # of all histories without some items; as much work as a history of about 100 events at once
FEW = 6  # new events up to which going through them one by one is faster than matrix products over all of them


class SequenceScorer:
    """score = state after the history · the item's vector, as `Sequence.retrieve`, to 1e-5 of a list's greatest score.

    A history's earlier events are computed once and kept for the user's next query, up to the greatest length; past it
    each new event moves the window, and what the events of the window see of those before them changes. BLAS is left
    as it is: one thread, which the service sets at its start, suits such small products best.
    """

    def __init__(self, plan: Sequential, *, cache_bytes: int = CACHE_BYTES) -> None:
        self.weights = NetworkWeights.of(plan)
        # taken out while it is used: two requests of one user never change the same prefix, the second one begins anew
        self.cache: UserCache[Prefix] = UserCache(cache_bytes)
        self.offered = self.weights.offset > -np.inf

    def score(self, query: OneQuery) -> Float32 | None:
        """(n_items,) scores, -inf for items that are not offered; None without a history."""
        state = self.state(query)
        if state is None:
            return None
        scores: Float32 = self.weights.items @ state
        scores += self.weights.offset
        return scores

    def state(self, query: OneQuery) -> Float32 | None:
        """(size,) the state after the newest event; None without a history."""
        if not query.n_events:
            return None
        window = Window.of(query.items, query.times, query.at, self.weights.length)
        prefix, state = self._advanced(query.user_id, window)
        self.cache.put(query.user_id, prefix)
        return state

    def forget(self, user_id: str) -> None:
        """Drops what is kept of a user."""
        self.cache.forget(user_id)

    def affordable(self, query: OneQuery, left_out: Sequence[Int32]) -> Bool:
        """(n_left_out,) whether `states_without` has at most MOST_EVENTS events to go through, those before included;
        the first one counts as such in any case."""
        newest = query.items[-self.weights.length :]
        affordable, n_events = np.ones(len(left_out), dtype=np.bool_), 0
        for row, items in enumerate(left_out):
            first = min((int(np.argmax(newest == item)) for item in items), default=len(newest))
            n_events += len(newest) - first
            affordable[row] = not row or n_events <= MOST_EVENTS
        return affordable

    def states_without(self, query: OneQuery, left_out: Sequence[Int32]) -> Float32:
        """(n_left_out, size) states after the history without some items each, every event of them; NaN where nothing
        is left.

        What comes before the first event that is left out is computed once for all of them. In a history longer than
        the window, older events move into it: once for every number of events that are left out.
        """
        weights, n_past = self.weights, query.n_events
        states = np.full((len(left_out), weights.size), np.nan, dtype=np.float32)
        first = max(n_past - weights.length, 0)
        versions: dict[int, list[tuple[int, Window]]] = {}
        for row, items in enumerate(left_out):
            kept = np.ones(n_past, dtype=np.bool_)
            for item in items:
                kept &= query.items != item
            places = np.flatnonzero(kept)
            if len(places):
                window = Window.of(query.items[places], query.times[places], query.at, weights.length)
                versions.setdefault(int(places[-weights.length :][0]) if first else 0, []).append((row, window))
        for start, windows in versions.items():
            prefix = self._prefix_from(query, start)
            n_shared = [window.n_common(prefix) for _, window in windows]
            tails = Tails.of(weights, prefix, [window for _, window in windows], n_shared)
            states[[row for row, _ in windows]] = tails.states
            if start == first:
                self.cache.put(query.user_id, prefix)
        return states

    def _prefix_from(self, query: OneQuery, start: int) -> Prefix:
        """The prefix of the window's greatest length that begins at an event; that of the query itself is taken out of
        the cache."""
        weights = self.weights
        if start == max(query.n_events - weights.length, 0):
            window = Window.of(query.items, query.times, query.at, weights.length)
            return self._advanced(query.user_id, window)[0]
        stop = start + weights.length
        window = Window.of(query.items[start:stop], query.times[start:stop], query.at, weights.length)
        prefix = Prefix.empty(weights, weights.length)
        prefix.extend(weights, window.items[:-1], window.gaps[:-1])
        return prefix

    def _advanced(self, user_id: str, window: Window) -> tuple[Prefix, Float32]:
        """The prefix of all events of a window but the last, taken out of the cache and extended, and the state after
        the last."""
        weights, n_prefix = self.weights, len(window.items) - 1
        prefix = self.cache.take(user_id) or Prefix.empty(weights, 0)
        prefix.n_events = n_common = window.n_common(prefix)
        prefix = prefix.with_room(weights, n_prefix)
        if n_prefix - n_common > FEW:
            prefix.extend(weights, window.items[n_common:-1], window.gaps[n_common:-1])
            n_common = n_prefix
        tail = Tails.of(weights, prefix, [window], [n_common])
        n_new = n_prefix - n_common
        prefix.append(
            window.items[n_common:-1], window.gaps[n_common:-1], tail.keys[..., :n_new], tail.values[:, :, :n_new]
        )
        return prefix, tail.states[0]
