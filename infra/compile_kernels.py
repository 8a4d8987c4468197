"""Compiles the numba kernels of training and serving into their caches, so that the first run does not have to.

    python -m infra.compile_kernels

The cache of training stands beside the code (NUMBA_CACHE_DIR moves it), that of the service in the user's folder of
caches (RECOPS_KERNEL_CACHE moves it); both hold for this processor and this state of the files.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from models.additive.pair_sums import PairRows, PairSums
from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.registry import make

N_USERS, N_ITEMS = 8, 6
COMPILED = ("als", "markov")
"""Retrievers that train with kernels of their own."""


def main() -> None:
    """Fits each of them on a few rows, weighs as learning between releases does, and loads what the service loads."""
    import models.online.scoring.scorer  # noqa: F401

    catalogue, log = _catalogue(), _log()
    for name in COMPILED:
        make("retriever", name, {}).fit(log, catalogue)
    ones = np.ones(N_ITEMS)
    PairSums(PairRows.of(sparse.csr_matrix(np.ones((N_ITEMS, N_ITEMS))))).weighted(ones, ones, keep=1)


def _catalogue() -> Catalogue:
    return Catalogue(
        vocabulary=Vocabulary([f"i{item}" for item in range(N_ITEMS)]),
        titles=[None] * N_ITEMS,
        tags=[[] for _ in range(N_ITEMS)],
        category_names=[],
        categories=np.full(N_ITEMS, -1, dtype=np.int32),
        prices=np.full(N_ITEMS, np.nan, dtype=np.float32),
        created_at=np.zeros(N_ITEMS, dtype=np.int64),
        vectors=None,
    )


def _log() -> Log:
    """Every user with every item, a second apart."""
    users, items = np.divmod(np.arange(N_USERS * N_ITEMS), N_ITEMS)
    return Log(
        user_ids=np.array([f"u{user}" for user in range(N_USERS)]),
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        times=np.arange(len(users), dtype=np.int64) * 1_000_000,
        values=np.full(len(users), np.nan, dtype=np.float32),
        weights=np.ones(len(users), dtype=np.float32),
        at=len(users) * 1_000_000,
    )


if __name__ == "__main__":
    main()
