"""Cutoffs: instants within a part of the split; a query at one wants all that its user chooses later in the part."""

from __future__ import annotations

import polars as pl


def cutoffs_within(part: pl.DataFrame, first: int, n_cuts: int) -> list[int]:
    """At most n_cuts instants [µs], ascending: `first`, then the times of rows that part the first half of them evenly.

    part: rows of INTERACTIONS after `first`. After each cut at least half of the part is to come: what is wanted in a
    shorter time is another question. Instants that coincide count once, and none is the part's end.
    """
    times = part.get_column("timestamp").dt.epoch("us").sort()
    inner = {int(times[len(times) * number // (2 * n_cuts)]) for number in range(1, n_cuts)} if len(times) else set()
    return [first, *sorted(instant for instant in inner if first < instant < int(times[-1]))]


def split_at(history: pl.DataFrame, part: pl.DataFrame, instant: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows up to an instant [µs] and after it: history grown by the part's beginning, and the rest of the part."""
    past = part.get_column("timestamp").dt.epoch("us") <= instant
    return pl.concat([history, part.filter(past)]), part.filter(~past)
