"""Conversion between rows of Feast's online store and states."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from features.arrays import Float64
from features.states.aggregates import POSITION, STATE, state_columns
from features.table import Table

A_SLICE = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def state_of(found: dict[str, list[Any]], table: Table, row: int) -> Float64:
    """One row of an answer as a state."""
    values = [found.get(f"{table.name}__{name}") for name in STATE]
    return np.array([np.nan if column is None or column[row] is None else column[row] for column in values])


def values_of(table: Table, state: Float64, last_seq: int) -> dict[str, Any]:
    """A state as a row's values."""
    values: dict[str, Any] = {}
    for name in state_columns(table):
        number = float(state[POSITION[name]])
        values[name] = None if np.isnan(number) else number if name.startswith("sum_") else int(number)
    return {**values, "last_seq": last_seq}


def proto_of(make: Any, kind: Any, value: Any) -> Any:
    """A value as Feast keeps it."""
    if value is None:
        return make()
    if kind == pl.Float64:
        return make(double_val=value)
    if kind == pl.Int64:
        return make(int64_val=value)
    proto = make()
    into = {pl.String: proto.string_list_val, pl.Int64: proto.int64_list_val, pl.Boolean: proto.bool_list_val}
    values = into[kind.inner].val
    for start in range(0, len(value), A_SLICE):  # not all at once: other threads go on in between
        values.extend(value[start : start + A_SLICE])
    return proto


def instant_of(microseconds: int) -> datetime:
    with suppress(OverflowError):
        return _EPOCH + timedelta(microseconds=microseconds)
    return datetime.max.replace(tzinfo=UTC)
