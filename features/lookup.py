"""Features of candidates as of each query's instant: offline by Feast's historical join, online by its online store."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.aggregates import STATE, STATS, Float64, state_matrix
from features.derive import NAMES, Float32, Int64, derive
from features.errors import ContractError
from features.items import ItemInfo, ItemStates
from features.schema import type_of_time
from features.user_state import UserState, UserStates

Int32 = npt.NDArray[np.int32]

_ROWS_A_JOIN = 1_000_000


class OfflineLookup:
    """As of the past, from a folder of feature tables: what was known at each query's instant and nothing later."""

    names: tuple[str, ...] = NAMES

    def __init__(
        self,
        features_folder: Path,
        item_ids: Sequence[str],
        categories: Sequence[str | None],
        prices: Sequence[float | None] | npt.NDArray[np.floating] | None = None,
        created_at: Sequence[int | None] | Int64 | None = None,
    ) -> None:
        self.folder = features_folder
        self.info = ItemInfo(item_ids, categories, prices, created_at)
        for name in STATS:
            if not (features_folder / f"{name}.parquet").exists():
                raise ContractError(
                    f"{name}: no file {features_folder / name}.parquet; run the stage that writes it "
                    f"(`dvc repro build_features`)"
                )

    def features(self, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> Float32:
        """(n_rows, n_features) float32, NaN where unknown; row r is item `item[r]` for user `user_ids[query[r]]`."""
        answer = np.empty((len(query), len(NAMES)), dtype=np.float32)
        if not len(query):
            return answer
        with tempfile.TemporaryDirectory(prefix="recops-feast-") as scratch:
            store = self._open(Path(scratch))
            for start in range(0, len(query), _ROWS_A_JOIN):
                rows = slice(start, start + _ROWS_A_JOIN)
                answer[rows] = self._part(store, user_ids, at, query[rows], item[rows])
        return answer

    def _open(self, scratch: Path) -> Any:
        from features.repo.store import apply, open_store

        store = open_store("recops", scratch / "registry", {"type": "sqlite", "path": str(scratch / "online.db")})
        apply(store, self.folder, scratch / "histories.parquet")
        return store

    def _part(self, store: Any, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> Float32:
        joined = join(store, self.entities(user_ids, at, query, item))
        user, items, pair = (state_matrix(joined, f"{name}__") for name in STATS)
        return derive(user, items, pair, at[query], self.info.prices[item], self.info.created_at[item])

    def entities(self, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> pl.DataFrame:
        """Join keys and instant of each row."""
        users = pl.Series("user_id", np.asarray(user_ids).tolist(), dtype=pl.String)
        items = pl.Series("item_id", self.info.item_ids, dtype=pl.String)
        names = pl.Series("category", [*self.info.category_names, None], dtype=pl.String)
        codes = self.info.codes[item]
        return pl.DataFrame(
            [
                users.gather(query),
                items.gather(item),
                names.gather(np.where(codes < 0, len(names) - 1, codes)),
                pl.Series("event_timestamp", at[query], dtype=pl.Int64).cast(type_of_time),
            ]
        )


def join(store: Any, entities: pl.DataFrame) -> pl.DataFrame:
    """Entity rows with the columns of the feature service (`view__column`) as of their instants, by Feast."""
    from features.repo.views import SERVICE

    frame = entities.to_pandas(use_pyarrow_extension_array=True)
    frame["event_timestamp"] = entities["event_timestamp"].to_pandas()
    job = store.get_historical_features(
        entity_df=frame,
        features=store.get_feature_service(SERVICE),
        full_feature_names=True,
        filter_by_created_timestamp=True,
    )
    joined = pl.from_arrow(job.to_arrow())
    assert isinstance(joined, pl.DataFrame)
    return joined


class OnlineLookup:
    """As of now, from a release's online namespace and its array of item states; the same formulas, the same bits."""

    names: tuple[str, ...] = NAMES

    def __init__(self, namespace: UserStates, items: ItemStates, info: ItemInfo) -> None:
        if items.item_ids != info.item_ids:
            raise ValueError("item states and item info are of different vocabularies")
        self.namespace, self.items, self.info = namespace, items, info
        self._held: dict[str, UserState] = {}

    def hold(self, states: Sequence[UserState]) -> None:
        """States that the caller has just read: the next `features` of these users takes them and reads no user row.

        Not for threads: no other request may come between.
        """
        self._held = {state.user_id: state for state in states}

    def features(self, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> Float32:
        """(n_rows, n_features) float32, NaN where unknown; row r is item `item[r]` for user `user_ids[query[r]]`."""
        held, self._held = self._held, {}
        names = [str(user_id) for user_id in user_ids]
        missing = sorted(set(names) - held.keys())
        if missing:
            held = held | dict(zip(missing, self.namespace.users(missing), strict=True))
        states = [held[name] for name in names]
        user = np.array([state.stats for state in states]).reshape(-1, len(STATE))[query]
        pair = self._pairs(states, query, self.info.codes[item])
        of_item = self.items.states[item]
        return derive(user, of_item, pair, at[query], self.info.prices[item], self.info.created_at[item])

    def _pairs(self, states: Sequence[UserState], query: Int32, codes: Int32) -> Float64:
        """(n_rows, len(STATE)): of the categories of the candidates that the user's history touches; else NaN."""
        touched = [self.info.categories_of(state.item_ids) for state in states]
        n_codes = len(self.info.category_names) + 1
        unique, inverse = np.unique(query.astype(np.int64) * n_codes + codes + 1, return_inverse=True)
        wanted = {}
        for place, number in enumerate(unique.tolist()):
            of_query, code = divmod(number, n_codes)
            if code and code - 1 in touched[of_query]:
                wanted[place] = (states[of_query].user_id, self.info.category_names[code - 1])
        found = self.namespace.category_states(sorted(set(wanted.values())))
        pairs = np.full((len(unique), len(STATE)), np.nan)
        for place, pair in wanted.items():
            if pair in found:
                pairs[place] = found[pair]
        return pairs[inverse]
