"""The peer that reads sequences, in parts: what follows what, how surely, and which acts of a history are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.peers.past import Array, Histories


def transitions(histories: Histories, n_items: int, window: int) -> Any:
    """(n_items, n_items) CSR float64: the sum of 1 / gap over the acts that follow an item's in the same history, `gap`
    acts later and at most `window`; no item follows itself."""
    owners, items, shape = histories.owners, histories.items, (n_items, n_items)
    found = sparse.csr_matrix(shape, dtype=np.float64)
    for gap in range(1, window + 1):
        pairs = (owners[gap:] == owners[:-gap]) & (items[gap:] != items[:-gap])
        first, then = items[:-gap][pairs], items[gap:][pairs]
        found = found + sparse.csr_matrix((np.full(len(first), 1.0 / gap), (first, then)), shape=shape)
    return found


def followers(found: Any, chosen: Any, shrinkage: float, beta: float) -> Any:
    """Transitions as shares of their row's sum plus `shrinkage`, so that a rare item says less, over the number of the
    follower's users to the power `beta`."""
    sums = np.asarray(found.sum(axis=1)).ravel() + shrinkage
    n_users = np.maximum(np.asarray(chosen.sum(axis=0)).ravel(), 1.0)
    share = sparse.diags(1.0 / np.where(sums > 0, sums, 1.0))
    return (share @ found @ sparse.diags(n_users**-beta)).tocsr()


def newest(histories: Histories, power: float, last: int | None = None) -> Array:
    """(n_acts,) weights: the n-th newest act of a history counts n^-power, those before the `last` newest nothing."""
    place = histories.offsets[1:][histories.owners] - np.arange(len(histories.items))
    weights = place.astype(np.float64) ** -power
    return weights if last is None else np.where(place <= last, weights, 0.0)
