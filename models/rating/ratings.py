"""Ratings: rows with a value, as arrays; their splits, at random and in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from features.errors import UserError
from features.positives import DEFAULT_POSITIVES
from models.data.types import Ratings
from models.data.vocabulary import Vocabulary, distinct_ids

Scheme = Literal["random", "global_time"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


@dataclass(frozen=True)
class RatingSplit:
    """Split of ratings: train and valid for selection, trainval (both) for the final fit, test for evaluation."""

    train: Ratings
    valid: Ratings
    trainval: Ratings
    test: Ratings

    def parts(self) -> Mapping[str, Ratings]:
        return {"train": self.train, "valid": self.valid, "trainval": self.trainval, "test": self.test}


def make_ratings(rows: pl.DataFrame, vocabulary: Vocabulary, *, least_value: float | None = None) -> Ratings:
    """The rows of INTERACTIONS that carry a finite value, in their order; `least_value` leaves lower ones out.

    Rows of cancelled orders and the like, and of items outside the vocabulary, are no ratings. A column `trust`, where
    there is one, gives the weights, else all are 1.

    Raises:
        UserError: no row carries a value, or all carry the same.
    """
    n_rows = rows.height
    rows = rows.filter(pl.col("value").is_finite().fill_null(False) & DEFAULT_POSITIVES.where())
    if rows.height and least_value is not None:
        rows = rows.filter(pl.col("value") >= least_value)
    items = vocabulary.positions(rows.get_column("item_id").to_list())
    rows = rows.with_columns(item=pl.Series(items, dtype=pl.Int32)).filter(pl.col("item") >= 0)
    if rows.get_column("value").n_unique() < 2:
        summary = f"{rows.height} of {n_rows} rows carry a value" + (", all the same" if rows.height else "")
        floor = "" if least_value is None else f" of at least {least_value:g}"
        raise UserError(
            f"interactions: {summary}, expected ratings{floor} that differ; rating prediction needs data with a column "
            "`value` (or `rating`): import such data, e.g. `recops data import movielens`, or judge the ranking"
        )
    user_ids, users = distinct_ids(rows.get_column("user_id"))
    if "trust" in rows.columns:
        weights = rows.get_column("trust").to_numpy().astype(np.float32)
    else:
        weights = np.ones(rows.height, dtype=np.float32)
    return Ratings(
        user_ids=np.asarray(user_ids, dtype=np.str_),
        users=users.astype(np.int32),
        items=rows.get_column("item").to_numpy().astype(np.int32),
        values=rows.get_column("value").to_numpy().astype(np.float32),
        times=rows.get_column("timestamp").dt.epoch("us").to_numpy().astype(np.int64),
        weights=weights,
    )


def split_ratings(
    ratings: Ratings, scheme: Scheme, *, seed: int = 0, held_out: float = 0.1, cuts: tuple[int, int] | None = None
) -> RatingSplit:
    """random: rows permuted by numpy's default_rng(seed), the first `held_out` of them are test, the same share of the
    rest valid. global_time: two cuts in time [µs], rows at a cut are before it; without `cuts` they lie at
    1 - 2·held_out and 1 - held_out of the rows, as in the split of the ranking.

    Raises:
        UserError: a part is left empty.
    """
    if scheme == "random":
        order = np.random.default_rng(seed).permutation(len(ratings))
        n_test = int(len(order) * held_out)
        test, rest = order[:n_test], order[n_test:]
        n_valid = int(len(rest) * held_out)
        train, valid = rest[n_valid:], rest[:n_valid]
    else:
        in_time = np.argsort(ratings.times, kind="stable")
        times = ratings.times[in_time]
        last = [max(int(len(times) * (1 - parts * held_out)) - 1, 0) for parts in (2, 1)]
        first, second = np.searchsorted(times, cuts or times[last], side="right")
        train, valid, test, rest = in_time[:first], in_time[first:second], in_time[second:], in_time[:second]
    split = RatingSplit(*(ratings.rows(places) for places in (train, valid, rest, test)))
    empty = [name for name, part in split.parts().items() if not len(part)]
    if empty:
        raise UserError(
            f"ratings: {len(ratings)} rows are too few to split them ({scheme}): nothing is left for {empty}; "
            "expected at least some dozens at several instants; import more data"
        )
    return split
