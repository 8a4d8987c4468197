"""Arrivals of several keys at once, bit-identical to `advance_through` of each key alone."""

from __future__ import annotations

import numpy as np

from features.arrays import Float64, Int64
from features.states.aggregates import POSITION, advance, no_state
from features.states.batches import Arrivals, advance_through

_known = POSITION["known_at"]
FEW = 16  # arrivals of one key up to which a step for all keys costs less than a loop over one key's


def advance_keys(states: Float64, keys: Int64, arrivals: Arrivals) -> Float64:
    """(n_keys, len(STATE)): the states after all arrivals; arrival r, in order of seq, is of key `keys[r]`.

    states: rows of NaN where nothing is known of a key yet; a key without an arrival stays as it is.
    """
    after = states.copy()
    if not len(keys):
        return after
    order = np.argsort(keys, kind="stable")
    counts = np.bincount(keys, minlength=len(states))
    starts = np.cumsum(counts) - counts
    for key in np.flatnonzero(counts > FEW).tolist():
        after[key] = advance_through(states[key], arrivals.take(order[starts[key] : starts[key] + counts[key]]))
    few = np.where(counts > FEW, 0, counts)
    nothing = (few > 0) & np.isnan(states[:, _known])
    if nothing.any():
        after[nothing] = no_state(int(nothing.sum()))
    for step in range(int(few.max())):
        active = np.flatnonzero(few > step)
        rows = order[starts[active] + step]
        amounts, arrival, event_at = arrivals.amounts[rows], arrivals.arrival[rows], arrivals.event_at[rows]
        after[active] = advance(after[active], amounts, arrival, event_at)
    return after
