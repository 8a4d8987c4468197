"""Own evidence: what the choices of a few people add to what the map says of an item."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from features.arrays import Float32, Int64
from models.retrieval.text_to_collaborative.closed_form import TasteSide, solved

ENOUGH = 50  # people whose choices count half of what they could


def with_own_evidence(
    taste: TasteSide,
    weights: Float32,
    prior: Float32,
    matrix: sparse.csr_matrix,
    chosen: sparse.csr_matrix,
    histories: sparse.csr_matrix,
) -> tuple[Float32, Float32]:
    """The columns of some items and what is added for everybody, with the choices of these items beside their texts.

    weights: (n_taught, n) and prior: (n,) by the texts; matrix: (n_users, n_taught), chosen: (n_users, n) ones;
    histories: some rows of `matrix`. What people chose along with an item, smoothed like everything else, gets the
    spread over users that the text's column has, times n_users / (n_users + ENOUGH). It says for whom the item is, not
    how well liked it is: its mean over users is taken off.
    """
    n_users: Int64 = np.asarray(chosen.getnnz(axis=0), dtype=np.int64)
    places = np.flatnonzero(n_users)
    if not len(places) or not histories.shape[0]:
        return weights, prior
    together = (matrix.T @ chosen[:, places]).toarray().astype(np.float32)
    own = solved(taste.factor, taste.scales[:, None] * together)
    by_text, by_own = histories @ weights, histories @ own
    spreads, own_spreads = by_text.std(axis=1), by_own.std(axis=0)
    share = n_users[places] / (n_users[places] + ENOUGH) * by_text[:, places].std(axis=0)
    own *= np.divide(share, own_spreads, out=np.zeros_like(share), where=own_spreads > 1e-9).astype(np.float32)
    inverse = np.divide(1.0, spreads, out=np.zeros_like(spreads), where=spreads > 1e-9)
    typical = (histories.T @ inverse / len(spreads)).astype(np.float32)
    weights, prior = weights.copy(), prior.copy()
    weights[:, places] += own
    prior[places] -= typical @ own
    return weights, prior
