"""The test set: test queries with their targets and what was known before the cut; every model answers the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Bool, Float64, Int64
from features.errors import ContractError
from models.data.ragged import Ragged
from models.data.vocabulary import distinct_ids


@dataclass(frozen=True)
class Tastes:
    """Of the rows of a query's history that have a category the share of each, ascending by query and category.

    queries, categories, shares: (n_pairs,).
    """

    queries: Int64
    categories: Int64
    shares: Float64


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Items are codes: positions in `item_ids`, the sorted ids of everything seen, wanted or recommended.

    user_ids: (n_queries,) ascending, one query a user; targets: codes of later positives that are not in the user's
    history, one row a query, ascending within it; n_history: (n_queries,) distinct items before the cut;
    popularity: (n_items,) users who had the item before the cut, 0 for an item without history; n_users: users with a
    history; habit: (n_queries,) mean popularity over the rows of the user's history, NaN without one;
    n_catalogue: items with history united with the item table;
    n_dropped: targets left out since the user had the item before;
    categories: (n_items,) code of the item's category, -1 without one; tastes: see `Tastes`;
    described: (n_items,) item stands in the item table; tags: codes of each item's tags, one row an item.
    """

    item_ids: npt.NDArray[np.str_]
    user_ids: npt.NDArray[np.str_]
    targets: Ragged[np.int64]
    n_history: Int64
    popularity: Int64
    n_users: int
    habit: Float64
    n_catalogue: int
    n_dropped: int
    described: Bool
    tags: Ragged[np.int64]
    categories: Int64
    tastes: Tastes

    def __len__(self) -> int:
        return len(self.user_ids)

    def codes(self, item_ids: Sequence[str] | npt.NDArray[np.str_]) -> Int64:
        """Codes of item ids.

        Raises:
            ContractError: an id that the test set was not made with (`further_items`).
        """
        return _positions(self.item_ids, np.asarray(item_ids, dtype=np.str_), "item")

    def lists(self, recommendations: pl.DataFrame) -> Int64:
        """Ranked lists (n_queries, depth) from rows user_id, item_id, rank; gaps in ranks close, -1 pads.

        Rows of users without a query are left out.

        Raises:
            ContractError: an item stands twice in one user's list.
        """
        rows = recommendations.select("user_id", "item_id", "rank")
        repeated = rows.height - rows.select("user_id", "item_id").n_unique()
        if repeated:
            raise ContractError(f"recommendations: {repeated} items stand twice in one user's list, expected once")
        query_of_user = pl.DataFrame({"user_id": self.user_ids, "query": np.arange(len(self))})
        rows = rows.join(query_of_user, on="user_id").sort("query", "rank", maintain_order=True)
        rows = rows.with_columns(place=pl.int_range(pl.len()).over("query"))
        depth = int(rows.get_column("place").to_numpy().max()) + 1 if rows.height else 1
        lists = np.full((len(self), depth), -1, dtype=np.int64)
        codes = _codes(rows, "item_id", self.item_ids)
        lists[rows.get_column("query").to_numpy(), rows.get_column("place").to_numpy()] = codes
        return lists


def make_test_set(
    history: pl.DataFrame,
    later: pl.DataFrame,
    items: pl.DataFrame | None = None,
    *,
    asked: Sequence[str] | None = None,
    further_items: Sequence[str] = (),
) -> TestSet:
    """The test set from rows before the cut and positives after it (columns user_id, item_id).

    history: every row that counts as seen, repeats included; later: rows whose items are wanted;
    items: item_id and optionally tags (list) and category, for diversity, calibration and the size of the catalogue;
    asked: users with a query, default those of `later`; further_items: whatever else may be recommended.
    """
    pairs = history.select("user_id", "item_id").unique()
    wanted = later.select("user_id", "item_id").unique()
    kept = wanted.join(pairs, on=["user_id", "item_id"], how="anti")
    user_ids = _sorted_ids(asked if asked is not None else later.get_column("user_id"))
    table = items.get_column("item_id") if items is not None else pl.Series([], dtype=pl.String)
    item_sources = [
        pairs.get_column("item_id"),
        wanted.get_column("item_id"),
        table,
        pl.Series(further_items, dtype=pl.String),
    ]
    item_ids = _sorted_ids(pl.concat([series.unique() for series in item_sources]))

    popularity = np.bincount(_codes(pairs, "item_id", item_ids), minlength=len(item_ids))
    queries = pl.DataFrame({"user_id": user_ids})
    counted = queries.join(pairs.group_by("user_id").len("n"), on="user_id", how="left", maintain_order="left")
    rows = history.select("user_id", "item_id").join(queries, on="user_id", how="semi")
    rows = rows.with_columns(popularity=popularity[_codes(rows, "item_id", item_ids)])
    habits = rows.group_by("user_id").agg(pl.col("popularity").mean())
    habit = queries.join(habits, on="user_id", how="left", maintain_order="left").get_column("popularity")

    kept = kept.join(queries, on="user_id", how="semi")
    owners, codes = _codes(kept, "user_id", user_ids), _codes(kept, "item_id", item_ids)
    order = np.lexsort((codes, owners))
    categories = _categories(items, item_ids)
    of_rows = categories[_codes(rows, "item_id", item_ids)]
    owned = _codes(rows, "user_id", user_ids)[of_rows >= 0]
    described = np.zeros(len(item_ids), dtype=np.bool_)
    described[_positions(item_ids, table.to_numpy().astype(np.str_), "item")] = True
    return TestSet(
        item_ids=item_ids,
        user_ids=user_ids,
        targets=Ragged.grouped(owners[order], len(user_ids), codes[order]),
        n_history=counted.get_column("n").fill_null(0).to_numpy().astype(np.int64),
        popularity=popularity,
        n_users=pairs.get_column("user_id").n_unique(),
        habit=habit.cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        n_catalogue=int((described | (popularity > 0)).sum()),
        n_dropped=wanted.height - wanted.join(pairs, on=["user_id", "item_id"], how="anti").height,
        described=described,
        tags=_tags(items, item_ids),
        categories=categories,
        tastes=_tastes(owned, of_rows[of_rows >= 0]),
    )


def _categories(items: pl.DataFrame | None, item_ids: npt.NDArray[np.str_]) -> Int64:
    """(n_items,) code of each item's category, -1 without one."""
    codes = np.full(len(item_ids), -1, dtype=np.int64)
    if items is not None and "category" in items.columns:
        named = items.select("item_id", "category").drop_nulls()
        ranks = named.get_column("category").rank("dense").cast(pl.Int64).to_numpy()
        codes[_codes(named, "item_id", item_ids)] = ranks - 1
    return codes


def _tastes(owners: Int64, categories: Int64) -> Tastes:
    """The shares of categories in each query's history, from the query and the category of each row."""
    width = int(categories.max()) + 1 if len(categories) else 1
    cells, counts = np.unique(owners * width + categories, return_counts=True)
    queries = cells // width
    shares = counts / np.bincount(owners)[queries] if len(cells) else counts.astype(np.float64)
    return Tastes(queries, cells % width, shares)


def _tags(items: pl.DataFrame | None, item_ids: npt.NDArray[np.str_]) -> Ragged[np.int64]:
    """Codes of the distinct tags of each item; a comma or a bar inside a tag parts it in two."""
    if items is None or "tags" not in items.columns:
        return Ragged.empty_rows(len(item_ids), np.int64)
    tags = pl.col("tags").list.join("|", ignore_nulls=True).str.replace_all(",", "|", literal=True)
    tags = tags.str.strip_chars("[]'\"").str.replace_all("'", "", literal=True).str.split("|")
    rows = items.select("item_id", tag=tags).explode("tag").with_columns(pl.col("tag").str.strip_chars())
    rows = rows.filter(pl.col("tag").is_not_null() & (pl.col("tag") != "")).unique().sort("item_id", "tag")
    codes = rows.get_column("tag").rank("dense").cast(pl.Int64).to_numpy()
    return Ragged.grouped(_codes(rows, "item_id", item_ids), len(item_ids), codes - 1)


def _sorted_ids(ids: Sequence[str] | pl.Series) -> npt.NDArray[np.str_]:
    return np.unique(np.asarray(pl.Series(ids, dtype=pl.String).unique().to_list(), dtype=np.str_))


def _codes(frame: pl.DataFrame, column: str, ids: npt.NDArray[np.str_]) -> Int64:
    names, places = distinct_ids(frame.get_column(column))
    return _positions(ids, np.asarray(names, dtype=np.str_), column)[places]


def _positions(ids: npt.NDArray[np.str_], wanted: npt.NDArray[np.str_], what: str) -> Int64:
    if not len(wanted):
        return np.zeros(0, dtype=np.int64)
    nearest = np.minimum(np.searchsorted(ids, wanted), max(len(ids) - 1, 0)).astype(np.int64)
    missing = ids[nearest] != wanted if len(ids) else np.ones(len(wanted), dtype=np.bool_)
    if missing.any():
        raise ContractError(
            f"test set: {what} {wanted[missing][0]!r} is unknown to it, expected one that it was made with"
        )
    return nearest
