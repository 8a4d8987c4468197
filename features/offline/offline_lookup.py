"""Offline lookup: features as of each query's instant through Feast's historical join."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Float32, Int32, Int64
from features.errors import ContractError
from features.states.aggregates import STATS, state_matrix
from features.states.candidate_features import NAMES, candidate_features
from features.states.item_states import ItemInfo
from features.table import type_of_time

_ROWS_A_JOIN = 1_000_000


class OfflineLookup:
    """Point-in-time lookup in a folder of feature tables: what was known at each query's instant and nothing later."""

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
        for start in range(0, len(query), _ROWS_A_JOIN):
            rows = slice(start, start + _ROWS_A_JOIN)
            answer[rows] = self._part(self._store, user_ids, at, query[rows], item[rows])
        return answer

    @cached_property
    def _store(self) -> Any:
        """Feast's store, opened at the first lookup; its registry is removed with the lookup."""
        scratch = Path(tempfile.mkdtemp(prefix="recops-feast-"))
        weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        return self._open(scratch)

    def _open(self, scratch: Path) -> Any:
        from features.repo.store import apply, open_store

        store = open_store("recops", scratch / "registry", {"type": "sqlite", "path": str(scratch / "online.db")})
        apply(store, self.folder.absolute(), scratch / "histories.parquet")
        return store

    def _part(self, store: Any, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> Float32:
        joined = join(store, self.entities(user_ids, at, query, item))
        user, items, pair = (state_matrix(joined, f"{name}__") for name in STATS)
        return candidate_features(user, items, pair, at[query], self.info.prices[item], self.info.created_at[item])

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
