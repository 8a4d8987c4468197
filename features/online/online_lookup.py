"""Online lookup: features of a request from the online namespace and the release's item states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from features.arrays import Float32, Float64, Int32, Int64
from features.states.aggregates import STATE
from features.states.candidate_features import NAMES, candidate_features
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState, UserStates


class OnlineLookup:
    """Lookup as of now, from a release's online namespace and its item states; bit-identical to offline."""

    names: tuple[str, ...] = NAMES

    def __init__(
        self, namespace: UserStates, items: ItemStates, info: ItemInfo, states: Sequence[UserState] = ()
    ) -> None:
        if items.item_ids != info.item_ids:
            raise ValueError("item states and item info are of different vocabularies")
        self.namespace, self.items, self.info = namespace, items, info
        self._states = {state.user_id: state for state in states}

    def bound(self, states: Sequence[UserState]) -> OnlineLookup:
        """The same lookup for one request that has read the states of its users: it reads no user row of theirs.

        Any number of views may be used at once; each reads its own states.
        """
        return OnlineLookup(self.namespace, self.items, self.info, states)

    def features(self, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> Float32:
        """(n_rows, n_features) float32, NaN where unknown; row r is item `item[r]` for user `user_ids[query[r]]`."""
        names = [str(user_id) for user_id in user_ids]
        missing = sorted(set(names) - self._states.keys())
        state_of = self._states
        if missing:
            state_of = state_of | dict(zip(missing, self.namespace.users(missing), strict=True))
        states = [state_of[name] for name in names]
        user = np.array([state.stats for state in states]).reshape(-1, len(STATE))[query]
        pair = self._pairs(states, query, self.info.codes[item])
        of_item = self.items.states[item]
        return candidate_features(user, of_item, pair, at[query], self.info.prices[item], self.info.created_at[item])

    def _pairs(self, states: Sequence[UserState], query: Int32, codes: Int32) -> Float64:
        """(n_rows, len(STATE)): of the categories of the candidates that the user's history touches; else NaN."""
        touched = [self.info.categories_of(state.item_ids) for state in states]
        n_codes = len(self.info.category_names) + 1
        unique, inverse = np.unique(query.astype(np.int64) * n_codes + codes + 1, return_inverse=True)
        key_of_row = {}
        pairs = np.full((len(unique), len(STATE)), np.nan)
        for row, number in enumerate(unique.tolist()):
            of_query, code = divmod(number, n_codes)
            if code and code - 1 in touched[of_query]:
                state, category = states[of_query], self.info.category_names[code - 1]
                if category in state.by_category:  # newer than what is stored, where that could not be written
                    pairs[row] = state.by_category[category]
                else:
                    key_of_row[row] = (state.user_id, category)
        state_of_key = self.namespace.category_states(sorted(set(key_of_row.values())))
        for row, key in key_of_row.items():
            if key in state_of_key:
                pairs[row] = state_of_key[key]
        return pairs[inverse]
