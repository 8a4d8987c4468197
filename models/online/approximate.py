"""Approximate search for large catalogues: an inverted file (FAISS) proposes, exact products decide.

Vectors lie in lists around centers; a search looks into those whose centers are nearest, as many as recall needs. What
it finds has its exact score; what it misses is the loss of recall, measured when the index is made and written to the
log. The index is made at the first load of a bundle and kept in a folder, from which every process maps it into memory,
once for all.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from features.arrays import Bool, Float32, Int32, Int64
from features.errors import UserError
from features.files import locked, replacing
from models.online.best_products import ExactSearch, MakeSearch, Search
from models.online.topk_kernels import top_of_some

logger = logging.getLogger(__name__)

TRAINING_ROWS = 64  # vectors a list from which the centers are learned
PROBED_SHARES = (0.01, 0.02, 0.04, 0.08)  # of the lists, the nearest to the query: the first with enough recall
LEAST_PROBES = 16
ENOUGH_RECALL = 0.95
PROPOSALS = 4  # of the inverted file, for each wanted item: its own scores are rounded to a byte a dimension
SELECTIVE = 0.2  # with a smaller share of items allowed, the exact products of those are faster, and miss nothing
ROWS_AT_ONCE = 65_536
SAMPLE = 100  # pairs of items, as of users with two interests, by which recall is measured
BUILD_WAIT_S = 1800.0


@dataclass(frozen=True)
class ApproximateSearch:
    """index: of the learned rows among the first n_indexed; rows after them are searched exactly."""

    index: Any
    vectors: Float32
    learned: Bool
    n_indexed: int

    def top(self, vector: Float32, blocked: Bool, items: Int32, scores: Float32) -> int:
        allowed = self.learned & ~blocked
        n_allowed = int(np.count_nonzero(allowed))
        if n_allowed <= SELECTIVE * len(allowed):
            return self._best_of(np.flatnonzero(allowed), vector, blocked, items, scores)
        proposed = self._proposed(vector, allowed, PROPOSALS * len(items))
        n = self._best_of(proposed, vector, blocked, items, scores)
        if n < min(len(items), n_allowed):  # the lists that were looked into hold too few
            return self._best_of(np.flatnonzero(allowed), vector, blocked, items, scores)
        return n

    def _proposed(self, vector: Float32, allowed: Bool, n: int) -> Int64:
        faiss = _faiss()
        bits = np.packbits(allowed[: self.n_indexed], bitorder="little")
        wanted = faiss.SearchParametersIVF(sel=faiss.IDSelectorBitmap(bits), nprobe=self.index.nprobe)
        _, rows = self.index.search(np.ascontiguousarray(vector[None]), n, params=wanted)
        later = self.n_indexed + np.flatnonzero(allowed[self.n_indexed :])
        return np.concatenate([rows[0][rows[0] >= 0], later])

    def _best_of(self, rows: Int64, vector: Float32, blocked: Bool, items: Int32, scores: Float32) -> int:
        products = np.empty(len(rows), dtype=np.float32)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(first, first + ROWS_AT_ONCE)
            products[part] = self.vectors[rows[part]] @ vector
        return int(top_of_some(products, rows.astype(np.int32), blocked, items, scores))


def approximate(folder: Path, bundle: str, least_items: int) -> MakeSearch:
    """Approximate search for retrievers with at least so many vectors, exact search for all others.

    folder: of the indexes; bundle: hash of what the vectors belong to.

    Raises:
        UserError: FAISS is not installed.
    """
    _faiss().omp_set_num_threads(1)

    def make(name: str, vectors: Float32, learned: Bool) -> Search:
        if int(learned.sum()) < least_items:
            return ExactSearch(vectors, learned)
        stem = f"{bundle[:16]}-{name}"
        path = _kept(folder, stem, len(vectors))
        if path is None:
            with locked(folder / f"{stem}.lock", _still_made, wait_s=BUILD_WAIT_S):
                path = _kept(folder, stem, len(vectors))
                if path is None:
                    path = folder / f"{stem}-{len(vectors)}.faiss"
                    _make(path, name, vectors, learned)
        return _opened(path, vectors, learned)

    return make


def recall(search: Search, vectors: Float32, learned: Bool, queries: Float32, k: int) -> float:
    """Share of the exact best k that a search finds, mean over queries (n, size); nothing is blocked."""
    exact = _best(ExactSearch(vectors, learned), queries, len(vectors), k)
    return _shared(exact, _best(search, queries, len(vectors), k))


def _best(search: Search, queries: Float32, n_items: int, k: int) -> list[Int32]:
    """The best k of each query, nothing blocked."""
    blocked, lists = np.zeros(n_items, dtype=np.bool_), []
    for query in queries:
        items, scores = np.empty(k, dtype=np.int32), np.empty(k, dtype=np.float32)
        lists.append(items[: search.top(query, blocked, items, scores)])
    return lists


def _shared(exact: list[Int32], found: list[Int32]) -> float:
    return float(np.mean([np.isin(*pair).sum() / max(1, len(pair[0])) for pair in zip(exact, found, strict=True)]))


def _kept(folder: Path, stem: str, n_vectors: int) -> Path | None:
    """The index of a bundle's retriever, of all of its vectors or of those before items were added to them."""
    sizes = {int(path.stem.rpartition("-")[2]): path for path in folder.glob(f"{stem}-*.faiss")}
    return sizes[max(sizes)] if sizes and max(sizes) <= n_vectors else None


def _opened(path: Path, vectors: Float32, learned: Bool) -> ApproximateSearch:
    """The index of a file, mapped: processes share its pages."""
    faiss = _faiss()
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    return ApproximateSearch(index, vectors, learned, n_indexed=int(path.stem.rpartition("-")[2]))


def _make(path: Path, name: str, vectors: Float32, learned: Bool) -> None:
    faiss = _faiss()
    started, rows = time.monotonic(), np.flatnonzero(learned)
    n_lists = max(1, round(len(rows) ** 0.5))
    index = faiss.index_factory(vectors.shape[1], f"IVF{n_lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    rng = np.random.default_rng(0)
    index.train(vectors[np.sort(rng.permutation(rows)[: TRAINING_ROWS * n_lists])])
    for first in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[first : first + ROWS_AT_ONCE]
        index.add_with_ids(np.ascontiguousarray(vectors[part]), part)
    sample = vectors[rng.choice(rows, (2, min(SAMPLE, len(rows))))].sum(axis=0)
    k = min(100, len(rows))
    exact, share = _best(ExactSearch(vectors, learned), sample, len(vectors), k), 0.0
    for probed in PROBED_SHARES:
        index.nprobe = min(n_lists, max(LEAST_PROBES, round(probed * n_lists)))
        search = ApproximateSearch(index, vectors, learned, n_indexed=len(vectors))
        share = _shared(exact, _best(search, sample, len(vectors), k))
        if share >= ENOUGH_RECALL:
            break
    with replacing(path) as scratch:
        faiss.write_index(index, str(scratch))
    seconds = time.monotonic() - started
    logger.info(
        "approximate search of %s: %d vectors, %d of %d lists looked into, recall@100 %.3f of %d queries, in %.0f s",
        *(name, len(rows), index.nprobe, n_lists, share, len(sample), seconds),
    )


def _faiss() -> Any:
    """FAISS, which takes half a second to import and is needed by few."""
    try:
        return import_module("faiss")
    except ImportError:
        raise UserError(
            "RECOPS_APPROXIMATE_ITEMS is set, but FAISS is not installed; `pip install faiss-cpu`, or unset it"
        ) from None


def _still_made(holder: str) -> Exception:
    return UserError(f"process {holder} has made an approximate index for {BUILD_WAIT_S:.0f} s; wait for it, or end it")
