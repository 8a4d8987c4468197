"""Static facts and states of a vocabulary's items, as arrays in its order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Float32, Float64, Int64
from features.errors import ContractError
from features.positives import Positives
from features.states.aggregates import (
    ITEM_STATS,
    as_table,
    positives_of,
    state_matrix,
    write_about,
)
from features.states.batches import Arrivals, Event, advance_through
from features.states.candidate_features import UNKNOWN_TIME
from features.table import type_of_time


class ItemInfo:
    """Category, price and birth of each item, in the order of the vocabulary.

    codes: (n_items,) position in `category_names` (ascending), -1 where null; prices: NaN where unknown;
    created_at: µs, UNKNOWN_TIME where unknown.
    """

    def __init__(
        self,
        item_ids: Sequence[str],
        categories: Sequence[str | None],
        prices: Sequence[float | None] | npt.NDArray[np.floating] | None = None,
        created_at: Sequence[int | None] | Int64 | None = None,
    ) -> None:
        n_items = len(item_ids)
        self.item_ids = list(item_ids)
        self.position = {item_id: position for position, item_id in enumerate(self.item_ids)}
        self.category_names = sorted({name for name in categories if name is not None})
        code_of = {name: code for code, name in enumerate(self.category_names)}
        self.codes = np.array([-1 if name is None else code_of[name] for name in categories], dtype=np.int32)
        self.prices: Float32 = (
            np.full(n_items, np.nan, dtype=np.float32) if prices is None else np.array(prices, dtype=np.float32)
        )
        born = [None] * n_items if created_at is None else created_at
        self.created_at: Int64 = np.array([UNKNOWN_TIME if at is None else at for at in born], dtype=np.int64)
        for name, values in (("categories", self.codes), ("prices", self.prices), ("created_at", self.created_at)):
            if len(values) != n_items:
                raise ValueError(f"{len(values)} {name} for {n_items} items")

    @classmethod
    def from_catalogue(cls, catalogue: pl.DataFrame) -> ItemInfo:
        """Of a CATALOGUE."""
        return cls(
            catalogue["item_id"].to_list(),
            catalogue["category"].to_list(),
            catalogue["price"].to_list(),
            catalogue["created_at"].dt.epoch("us").to_list(),
        )

    def category(self, item_id: str) -> str | None:
        """The item's category, None where it has none or is unknown."""
        position = self.position.get(item_id)
        return None if position is None or self.codes[position] < 0 else self.category_names[self.codes[position]]

    def price(self, item_id: str) -> np.float32:
        """The item's price, NaN where it has none or is unknown."""
        position = self.position.get(item_id)
        return np.float32(np.nan) if position is None else self.prices[position]

    def categories_of(self, item_ids: Sequence[str]) -> set[int]:
        """Codes of the categories that some items touch."""
        get = self.position.get
        positions = {position for item_id in item_ids if (position := get(item_id)) is not None}
        return set(self.codes[list(positions)].tolist()) - {-1} if positions else set()


class ItemStates:
    """States of all items of a vocabulary, (n_items, len(STATE)), rows of NaN where nothing is known.

    They are stored in the release, and each worker keeps its copy up to date from the event log.
    """

    def __init__(self, item_ids: Sequence[str], states: Float64, positives: Positives, last_seq: int) -> None:
        self.item_ids = list(item_ids)
        self.states = states
        self.positives = positives
        self.last_seq = last_seq
        self._position = {item_id: position for position, item_id in enumerate(self.item_ids)}

    @classmethod
    def from_parquet(
        cls, folder: Path, item_ids: Sequence[str], at: int | None = None, events_through: int = 0
    ) -> ItemStates:
        """From a folder of feature tables (or one written by `to_parquet`): the last state of each item, as of `at`.

        events_through: last event of the log that the folder's data holds; earlier ones are not counted again.
        """
        path = folder / f"{ITEM_STATS.name}.parquet"
        if not path.exists():
            raise ContractError(f"{ITEM_STATS.name}: no file {path}; run the stage that writes it (`dvc repro`)")
        rows = pl.scan_parquet(path)
        if at is not None:
            rows = rows.filter(pl.col("event_timestamp") <= pl.lit(at).cast(type_of_time))
        latest = rows.sort("event_timestamp").group_by("item_id").last().collect()
        wanted = pl.DataFrame({"item_id": list(item_ids)}, schema={"item_id": pl.String})
        states = state_matrix(wanted.join(latest, on="item_id", how="left", maintain_order="left"))
        return cls(item_ids, states, positives_of(folder), events_through)

    def to_parquet(self, folder: Path) -> None:
        """ITEM_STATS with one row an item, and which events count as positive."""
        has_state = ~np.isnan(self.states[:, -1])
        keys = pl.DataFrame({"item_id": self.item_ids}, schema={"item_id": pl.String}).filter(has_state)
        ITEM_STATS.write(as_table(keys, self.states[has_state], ITEM_STATS), folder / f"{ITEM_STATS.name}.parquet")
        write_about(folder, self.positives)

    def record(self, event: Event) -> bool:
        """One more event; False when it was counted before or its item is unknown."""
        counts = event.seq > self.last_seq and event.item_id in self._position
        self.record_all([event])
        return counts

    def record_all(self, events: Sequence[Event]) -> None:
        """More events, in the order of the log; those counted before, and those of unknown items, add nothing."""
        events = [event for event in events if event.seq > self.last_seq]
        if not events:
            return
        self.last_seq = events[-1].seq
        events = [event for event in events if event.item_id in self._position]
        arrivals = Arrivals.of(events, np.full(len(events), np.nan, dtype=np.float32), self.positives)
        rows_of: dict[int, list[int]] = {}
        for row, event in enumerate(events):
            rows_of.setdefault(self._position[event.item_id], []).append(row)
        for position, rows in rows_of.items():
            self.states[position] = advance_through(self.states[position], arrivals.take(np.array(rows)))
