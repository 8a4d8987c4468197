"""Split of the interactions into train, valid and test: by two cutoffs in time, or leave-last-out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.errors import ContractError, UserError
from features.positives import DEFAULT_POSITIVES, Positives
from features.schema import INTERACTIONS

Scheme = Literal["global_time", "leave_last_out"]

PARTS = ("train", "valid", "test")

_why_global = "Two cuts in time, the same for all users: nothing later than a cut is known to what is judged after it."
_why_last_out = (
    "Leaky: each user's last two items are held out wherever they lie in time, so training sees other users' rows "
    "that are later than the targets; use it to compare with papers, not to forecast what users will see."
)
_why_artificial = (
    "Leaky: the data has no times, only an order of rows, so a global cut would have no meaning; "
    "each user's last two items are held out, and training sees rows of others that may be later."
)


class Params(BaseModel):
    """Section `split`: the scheme and its cutoffs."""

    model_config = ConfigDict(extra="forbid")

    scheme: Scheme = "global_time"
    """`global_time`: two cuts in time; `leave_last_out`: each user's last item is test, the one before it valid.
    Where time is artificial the split is always leave_last_out."""
    valid_share: float = Field(default=0.8, gt=0, lt=1)
    """Share of the rows, in time order, up to the first cut (global_time only)."""
    test_share: float = Field(default=0.9, gt=0, lt=1)
    """Share of the rows, in time order, up to the second cut (global_time only)."""

    @model_validator(mode="after")
    def _in_order(self) -> Params:
        if self.valid_share >= self.test_share:
            raise ValueError(f"valid_share {self.valid_share} must be below test_share {self.test_share}")
        return self


@dataclass(frozen=True)
class Cuts:
    """Where the parts meet [µs since 1970 UTC]; under leave_last_out the last instants of train and of train + valid,
    where each query's own instant counts instead (1 µs before its target)."""

    scheme: Scheme
    valid_cut: int
    test_cut: int
    leaky: bool
    why: str
    artificial_time: bool


@dataclass(frozen=True)
class Split:
    """Three frames with the columns of INTERACTIONS, every row of its part, in time order; and the cuts."""

    train: pl.DataFrame
    valid: pl.DataFrame
    test: pl.DataFrame
    cuts: Cuts

    def summary(self) -> dict[str, Any]:
        """The content of split.json."""
        cuts = self.cuts
        frames = {"train": self.train, "valid": self.valid, "test": self.test}
        return {
            "scheme": cuts.scheme,
            "leaky": cuts.leaky,
            "why": cuts.why,
            "artificial_time": cuts.artificial_time,
            "valid_cut": _iso(cuts.valid_cut),
            "test_cut": _iso(cuts.test_cut),
            "n_rows": {name: frame.height for name, frame in frames.items()},
            "n_users": {name: frame["user_id"].n_unique() for name, frame in frames.items()},
            "n_items": {name: frame["item_id"].n_unique() for name, frame in frames.items()},
        }


def split(
    interactions: pl.DataFrame,
    params: Params,
    artificial_time: bool = False,
    positives: Positives = DEFAULT_POSITIVES,
) -> Split:
    """The three parts; rows of one instant keep the order in which they are stored.

    global_time: the cuts are the timestamps of the rows at `valid_share` and `test_share`; a row at or before a cut is
    before it. leave_last_out: a user's last positive item is the target of test, the last but one that of valid; all
    rows of a target's (user, item) pair go to its part, so that the history (the preceding parts) never holds the
    target; users with fewer than three positive items stay in train; rows that are no positives go by time.

    Raises:
        UserError: there is too little data for a part.
    """
    rows = interactions.sort("timestamp", maintain_order=True)
    if params.scheme == "leave_last_out" or artificial_time:
        parts = _last_out(rows, positives)
        scheme: Scheme = "leave_last_out"
        valid_cut, test_cut = _last(parts["train"]), max(_last(parts["train"]), _last(parts["valid"]))
        why = _why_artificial if artificial_time else _why_last_out
    else:
        parts, valid_cut, test_cut = _by_time(rows, params)
        scheme, why = "global_time", _why_global
    cuts = Cuts(scheme, valid_cut, test_cut, scheme == "leave_last_out", why, artificial_time)
    return Split(parts["train"], parts["valid"], parts["test"], cuts)


def read_cuts(path: Path | str) -> Cuts:
    """The cuts from split.json."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(f"no file {path}; run the stage that writes it (`dvc repro split`)") from None
    return Cuts(
        content["scheme"],
        _microseconds(content["valid_cut"]),
        _microseconds(content["test_cut"]),
        content["leaky"],
        content["why"],
        content["artificial_time"],
    )


def _by_time(rows: pl.DataFrame, params: Params) -> tuple[dict[str, pl.DataFrame], int, int]:
    """The parts between two cuts, and the cuts [µs]."""
    n, times = rows.height, rows["timestamp"].dt.epoch("us")
    first, second = int(n * params.valid_share) - 1, int(n * params.test_share) - 1
    if first < 0:
        raise _too_small(rows, "global_time", ["train"])
    valid_cut, test_cut = int(times[first]), int(times[second])
    parts = {
        "train": rows.filter(times <= valid_cut),
        "valid": rows.filter((times > valid_cut) & (times <= test_cut)),
        "test": rows.filter(times > test_cut),
    }
    empty = [name for name in PARTS if parts[name].is_empty()]
    if empty:
        raise _too_small(rows, "global_time", empty)
    return parts, valid_cut, test_cut


def _last_out(rows: pl.DataFrame, positives: Positives) -> dict[str, pl.DataFrame]:
    """The parts by each user's last two positive items."""
    rows = rows.with_row_index("place")
    targets = (
        rows.filter(positives.where())
        .group_by("user_id", "item_id")
        .agg(pl.col("place").max())
        .sort("place", descending=True)
        .with_columns(last=pl.int_range(pl.len()).over("user_id"), n=pl.len().over("user_id"))
        .filter(pl.col("n") >= 3)
    )
    of_test = targets.filter(pl.col("last") == 0).select("user_id", test_item="item_id", test_place="place")
    of_valid = targets.filter(pl.col("last") == 1).select("user_id", valid_item="item_id", valid_place="place")
    if of_test.is_empty():
        raise _too_small(rows, "leave_last_out", ["valid", "test"])
    is_test = (pl.col("item_id") == pl.col("test_item")) | (pl.col("place") > pl.col("test_place"))
    is_valid = (pl.col("item_id") == pl.col("valid_item")) | (pl.col("place") > pl.col("valid_place"))
    placed = (
        rows.join(of_test, on="user_id", how="left")
        .join(of_valid, on="user_id", how="left")
        .with_columns(part=pl.when(is_test).then(2).when(is_valid).then(1).otherwise(0))
        .sort("place")
    )
    return {
        name: placed.filter(pl.col("part") == number).select(list(INTERACTIONS.columns))
        for number, name in enumerate(PARTS)
    }


def _too_small(rows: pl.DataFrame, scheme: str, empty: list[str]) -> UserError:
    size = (
        f"interactions: {rows.height} rows of {rows['user_id'].n_unique()} users at "
        f"{rows['timestamp'].n_unique()} instants"
    )
    if scheme == "global_time":
        return UserError(
            f"{size} are too few to split by time: nothing is left for {empty}; expected rows at several instants "
            f"after both cuts; import more data, move split.valid_share and split.test_share, or set split.scheme to "
            f"leave_last_out (params.yaml)"
        )
    return UserError(
        f"{size} cannot be split by leave_last_out: no user has three different positive items, so nothing "
        f"is left for {empty}; import more data, or check evaluate.targets (params.yaml)"
    )


def _last(rows: pl.DataFrame) -> int:
    """The last instant of a part [µs], the beginning of 1970 where it is empty."""
    return int(rows["timestamp"].dt.epoch("us").max() or 0)  # type: ignore[arg-type]


def _iso(instant: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).isoformat(timespec="microseconds")


def _microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
