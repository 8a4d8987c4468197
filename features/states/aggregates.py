"""State rows of users, items and (user, category) pairs: one recursion, for a whole log and for a single event alike.

After an arrival k (the instant a row was known) of an event at time t a window of w days holds
`S(k) = S(k') exp(-(k - k') / w) + exp(-(k - t) / w)`, k' the arrival before. Decayed to any later instant it is the sum
over all rows known by then of `exp(-(instant - t) / w)`: a soft count that needs no list of events, so that one event
online and a whole log offline give the same bits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import MICROSECONDS_A_DAY, Float64
from features.files import write_text
from features.positives import DEFAULT_POSITIVES, Positives
from features.schema import INTERACTIONS
from features.table import Table, type_of_time

WINDOWS_DAYS = (7, 90)

# columns of a state, in order; an event's amounts are added to the first nine
STATE = (
    "sum_7d",  # soft count of positives, decayed over the window up to known_at
    "sum_90d",
    "n_events",  # everything but impressions
    "n_positive",
    "n_impressions",
    "n_value",  # events with a value (a rating), and their sum
    "sum_value",
    "n_price",  # positives with a price, and the sum of its logarithm
    "sum_log_price",
    "first_at",  # earliest and latest event but impressions [µs]
    "last_at",
    "known_at",  # the last arrival [µs]
)
N_AMOUNTS = 9
ABOUT = "features.json"  # beside the tables: what they were made with
POSITION = {name: position for position, name in enumerate(STATE)}
_first, _last, _known = POSITION["first_at"], POSITION["last_at"], POSITION["known_at"]
_widths = np.array(WINDOWS_DAYS, dtype=np.float64) * MICROSECONDS_A_DAY

_type_of = {name: pl.Float64() if name.startswith("sum_") else pl.Int64() for name in STATE}
_of_item = tuple(name for name in STATE if name not in {"n_price", "sum_log_price"})
_of_pair = tuple(name for name in _of_item if name not in {"n_events", "n_impressions", "first_at"})


def _table(name: str, key: tuple[str, ...], state: Sequence[str], *, counted: bool) -> Table:
    """State rows of a key; `last_seq` is the last event of the log that an online row holds, 0 in files."""
    stamps = {"event_timestamp": type_of_time, "created_timestamp": type_of_time}
    columns = {**dict.fromkeys(key, pl.String()), **stamps, **{column: _type_of[column] for column in state}}
    if counted:
        columns["last_seq"] = pl.Int64()
    return Table(name, columns, key=(*key, "event_timestamp"), required=(*key, *stamps))


USER_STATS = _table("user_stats", ("user_id",), STATE, counted=True)
ITEM_STATS = _table("item_stats", ("item_id",), _of_item, counted=False)
USER_CATEGORY_STATS = _table("user_category_stats", ("user_id", "category"), _of_pair, counted=True)
STATS = {table.name: table for table in (USER_STATS, ITEM_STATS, USER_CATEGORY_STATS)}


def state_columns(table: Table) -> tuple[str, ...]:
    """The columns of a STATS table that are state, in order: what the feature service holds of it."""
    return tuple(name for name in STATE if name in table.columns)


def no_state(n_keys: int) -> Float64:
    """(n_keys, len(STATE)): the state before the first arrival; times are NaN."""
    state = np.zeros((n_keys, len(STATE)))
    state[:, N_AMOUNTS:] = np.nan
    return state


def amounts_of(
    known_at: Float64,
    timestamp: Float64,
    positive: npt.NDArray[np.bool_],
    impression: npt.NDArray[np.bool_],
    value: Float64,
    price: npt.NDArray[np.float32],
) -> Float64:
    """(n_rows, N_AMOUNTS): what each arrival adds. Times in µs; value and price NaN where unknown."""
    amounts = np.zeros((len(known_at), N_AMOUNTS))
    amounts[:, :2] = np.exp(-(known_at - timestamp)[:, None] / _widths) * positive[:, None]
    amounts[:, 2] = ~impression
    amounts[:, 3] = positive
    amounts[:, 4] = impression
    valued = ~impression & ~np.isnan(value)
    amounts[:, 5] = valued
    amounts[:, 6] = np.where(valued, value, 0.0)
    priced = positive & (price >= 0)
    amounts[:, 7] = priced
    amounts[:, 8] = np.log1p(np.where(priced, price, 0.0).astype(np.float64))
    return amounts


def advance(state: Float64, amounts: Float64, known_at: Float64, event_at: Float64) -> Float64:
    """The states of n keys after one more arrival each; event_at is NaN for impressions."""
    after = state.copy()
    gap = np.fmax(known_at - state[:, _known], 0.0)
    after[:, :2] *= np.exp(-gap[:, None] / _widths)
    after[:, :N_AMOUNTS] += amounts
    after[:, _first] = np.fmin(state[:, _first], event_at)
    after[:, _last] = np.fmax(state[:, _last], event_at)
    after[:, _known] = np.fmax(state[:, _known], known_at)
    return after


def recursion(amounts: Float64, known_at: Float64, event_at: Float64, counts: npt.NDArray[np.int64]) -> Float64:
    """(n_rows, len(STATE)): the state after every row; rows stand key by key in order of arrival, counts[i] of key i.

    Step j takes the j-th row of every key that has one, so that the number of steps is the longest key's rows.
    """
    states = np.empty((len(known_at), len(STATE)))
    by_length = np.argsort(-counts, kind="stable")
    starts = (np.cumsum(counts) - counts)[by_length]
    lengths = counts[by_length]
    active = no_state(len(counts))
    for step in range(int(lengths[0]) if len(lengths) else 0):
        n_active = int(np.searchsorted(-lengths, -step, side="left"))
        rows = starts[:n_active] + step
        active = advance(active[:n_active], amounts[rows], known_at[rows], event_at[rows])
        states[rows] = active
    return states


def arrivals(
    interactions: pl.LazyFrame, catalogue: pl.LazyFrame, positives: Positives = DEFAULT_POSITIVES
) -> pl.LazyFrame:
    """INTERACTIONS as rows that arrive: `known_at` is never before `timestamp` [µs], flags, category and price added.

    A row of the future (timestamp after known_at) arrives at its timestamp: by neither clock is it known before.
    """
    facts = catalogue.select("item_id", "category", pl.col("price").cast(pl.Float32))
    timestamp, known_at = pl.col("timestamp").dt.epoch("us"), pl.col("known_at").dt.epoch("us")
    return (
        interactions.select(list(INTERACTIONS.columns))
        .with_columns(
            timestamp=timestamp,
            known_at=pl.max_horizontal(timestamp, known_at),
            positive=positives.where(),
            impression=(pl.col("event") == "impression").fill_null(False),
        )
        .join(facts, on="item_id", how="left", maintain_order="left")
    )


def state_rows(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Every state of every key of one of the STATS tables, ordered by key and time; of one instant the last.

    rows: of `arrivals`; rows without a key (an item of no category) count for nothing, nor do impressions in a pair.
    """
    key = list(table.key[:-1])
    by = [*key, *(c for c in ("known_at", "timestamp", "user_id", "item_id", "event", "value") if c not in key)]
    if table is USER_CATEGORY_STATS:
        rows = rows.filter(~pl.col("impression"))
    rows = rows.drop_nulls(key).sort(by, nulls_last=True, maintain_order=True)
    if rows.is_empty():
        return table.empty()
    counts = rows.select(pl.struct(key).rle().struct.field("len").cast(pl.Int64)).to_series().to_numpy()
    known_at = rows["known_at"].cast(pl.Float64).to_numpy()
    timestamp = rows["timestamp"].cast(pl.Float64).to_numpy()
    impression = rows["impression"].to_numpy()
    amounts = amounts_of(
        known_at,
        timestamp,
        rows["positive"].to_numpy(),
        impression,
        rows["value"].fill_null(np.nan).to_numpy(),
        rows["price"].fill_null(np.nan).to_numpy(),
    )
    states = recursion(amounts, known_at, np.where(impression, np.nan, timestamp), counts)
    last = np.ones(len(states), dtype=bool)
    last[:-1] = known_at[1:] != known_at[:-1]
    last[np.cumsum(counts) - 1] = True
    return as_table(rows.select(key).filter(last), states[last], table)


def as_table(keys: pl.DataFrame, states: Float64, table: Table) -> pl.DataFrame:
    """Keys and states as the table's columns."""
    stamp = pl.Series(states[:, _known]).cast(pl.Int64).cast(type_of_time)
    columns = [stamp.alias("event_timestamp"), stamp.alias("created_timestamp")]
    for name, kind in table.columns.items():
        if name in POSITION:
            column = pl.Series(name, np.ascontiguousarray(states[:, POSITION[name]]), nan_to_null=True)
            columns.append(column.cast(kind))
        elif name == "last_seq":
            columns.append(pl.zeros(len(states), dtype=pl.Int64, eager=True).alias(name))
    return keys.with_columns(columns).select(list(table.columns))


def state_matrix(frame: pl.DataFrame, prefix: str = "") -> Float64:
    """(n_rows, len(STATE)) from columns named `prefix` + name; NaN where null or where there is no such column."""
    matrix = np.full((frame.height, len(STATE)), np.nan)
    for name, position in POSITION.items():
        if prefix + name in frame.columns:
            matrix[:, position] = frame[prefix + name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return matrix


def write_about(folder: Path, positives: Positives) -> None:
    """What the tables of a folder were made with."""
    write_text(json.dumps({"targets": positives.targets}, indent=1) + "\n", folder / ABOUT)


def positives_of(folder: Path) -> Positives:
    """Which events were positive when the tables of a folder were made."""
    path = folder / ABOUT
    return Positives.of(json.loads(path.read_text(encoding="utf-8"))["targets"]) if path.exists() else DEFAULT_POSITIVES
