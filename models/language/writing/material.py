"""Material: what the parts are written from, the same for local methods and for questions: items, demand, histories."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from features.arrays import Int64
from features.positives import Positives
from models.language.writing.phrases import keywords_of

NEWEST = 50  # acts of a history that are looked at
ALONG = 3  # titles that are named as chosen along with an item


@dataclass(frozen=True)
class Material:
    """items: CATALOGUE in its order; demand: (n_items,) users who chose each in the rows before the first cutoff;
    histories: a row a user with `user_id`, `items` (positions, the newest first, at most NEWEST, each once), `times`
    (µs) and `events` (their kinds), whoever acted last first."""

    items: pl.DataFrame
    demand: Int64
    histories: pl.DataFrame
    n_keywords: int

    @property
    def titles(self) -> list[str]:
        """Title of each item, "" where it has none."""
        return self.items.get_column("title").fill_null("").to_list()

    @cached_property
    def keywords(self) -> list[list[str]]:
        """Local keywords of each item."""
        texts = self.items.select(
            pl.concat_str(pl.col("title").fill_null(""), pl.col("description").fill_null(""), separator=". ")
        ).to_series()
        tags = self.items.get_column("tags").to_list()
        categories = self.items.get_column("category").to_list()
        named = [[*(of_item or []), *([one] if one else [])] for of_item, one in zip(tags, categories, strict=True)]
        return keywords_of(texts.to_list(), named, self.n_keywords)

    @cached_property
    def chosen_along(self) -> list[list[int]]:
        """For each item at most ALONG others in the same histories, by cosine; empty where nobody chose it."""
        from scipy import sparse  # the service has no use for it

        of_user = self.histories.get_column("items").to_list()
        lengths = [len(items) for items in of_user]
        columns = np.array([item for items in of_user for item in items], dtype=np.int64)
        rows = np.repeat(np.arange(len(of_user)), lengths)
        chosen = sparse.csr_matrix((np.ones(len(columns)), (rows, columns)), shape=(len(of_user), len(self.demand)))
        together = (chosen.T @ chosen).tocsr()
        norms = np.sqrt(np.maximum(together.diagonal(), 1.0))
        best: list[list[int]] = []
        for item in range(len(self.demand)):
            others = together.indices[together.indptr[item] : together.indptr[item + 1]]
            counts = together.data[together.indptr[item] : together.indptr[item + 1]]
            scores = np.where((others != item) & (counts >= 2), counts / norms[others], 0.0)
            order = np.lexsort((others, -scores))[:ALONG]
            best.append([int(others[place]) for place in order if scores[place] > 0])
        return best


def make_material(
    items: pl.DataFrame, train: pl.DataFrame, full: pl.DataFrame, positives: Positives, n_keywords: int
) -> Material:
    """Of CATALOGUE and the LOG of both cutoffs."""
    places = items.select("item_id").with_row_index("item").with_columns(pl.col("item").cast(pl.Int64))
    counts = (
        train.filter(positives.where(), pl.col("trust") > 0)
        .group_by("item_id")
        .agg(n=pl.col("user_id").n_unique())
        .join(places, on="item_id")
    )
    demand = np.zeros(items.height, dtype=np.int64)
    demand[counts.get_column("item").to_numpy()] = counts.get_column("n").to_numpy()
    return Material(
        items, demand, histories_of(full.filter(positives.where(), pl.col("trust") > 0), places), n_keywords
    )


def histories_of(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """The newest acts of each user, see Material. rows: INTERACTIONS of positives; places: `item_id`, `item`."""
    newest = (
        rows.join(places, on="item_id")
        .sort("timestamp", "item", descending=True)
        .unique(["user_id", "item"], keep="first", maintain_order=True)
        .select("user_id", "item", "event", time=pl.col("timestamp").dt.epoch("us"))
    )
    lists = newest.group_by("user_id", maintain_order=True).agg(
        items=pl.col("item").head(NEWEST), times=pl.col("time").head(NEWEST), events=pl.col("event").head(NEWEST)
    )
    return lists.sort(pl.col("times").list.first(), "user_id", descending=[True, False])
