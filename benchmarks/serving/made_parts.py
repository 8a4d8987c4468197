"""Made parts of a bundle: retrievers of random arrays in the form in which fitted ones are saved, and a ranker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from features.arrays import Float32, Int64
from models.data.saved_params import PARAMS, write_params
from models.data.storage import write_arrays
from models.ranking.features import feature_names
from models.registry import load_ranker, load_retriever
from models.retrieval.item_similarity import write_sparse
from models.transformer.shape import GAPS

K = 100
TEXT_SIZE, ALS_SIZE, SEQUENCE_SIZE = 384, 64, 64
LAYERS, HEADS, LENGTH = 2, 2, 200
MOST_ENTRIES = 60_000_000
NEIGHBORS = 600
ROWS_AT_ONCE = 100_000


def write_parts(folder: Path, rng: np.random.Generator, groups: Int64) -> tuple[str, ...]:
    """Saves the retrievers (of `text` only the params) and says their names, in order. groups: (n_items,)."""
    n_items = len(groups)
    names = ("graph", "als", "text", "popular", "sequence")
    for name in names:
        part = load_retriever(name)
        write_params(part.Params(), folder / name / PARAMS)
    write_sparse(made_neighbors(rng, n_items), folder / "graph" / "weights.safetensors")
    vectors = made_vectors(rng, groups, ALS_SIZE) * 0.5
    write_arrays({"items": vectors, "alpha": np.array([0.01])}, folder / "als" / "vectors.safetensors")
    scores = (1e5 / np.arange(1, n_items + 1) ** 0.9)[rng.permutation(n_items)].astype(np.float32)
    write_arrays({"scores": scores}, folder / "popular" / "scores.safetensors")
    write_arrays(
        {"items": made_vectors(rng, groups, SEQUENCE_SIZE), **_network(rng)},
        folder / "sequence" / "network.safetensors",
    )
    return names


def made_vectors(rng: np.random.Generator, groups: Int64, size: int) -> Float32:
    """(n_items, size) rows of length 1: the direction of the item's group, and as much of its own."""
    centers = rng.standard_normal((int(groups.max()) + 1, size), dtype=np.float32)
    vectors = np.empty((len(groups), size), dtype=np.float32)
    for first in range(0, len(groups), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        part = centers[groups[rows]] + rng.standard_normal((len(groups[rows]), size), dtype=np.float32)
        vectors[rows] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def made_neighbors(rng: np.random.Generator, n_items: int) -> sparse.csr_matrix:
    """(n_items, n_items) weights: half of a row's entries near it, half anywhere, the popular more often."""
    n_neighbors = min(NEIGHBORS, MOST_ENTRIES // n_items, n_items // 2)
    indices = np.empty((n_items, n_neighbors), dtype=np.int32)
    data = np.empty((n_items, n_neighbors), dtype=np.float32)
    for first in range(0, n_items, ROWS_AT_ONCE):
        rows = np.arange(first, min(first + ROWS_AT_ONCE, n_items))[:, None]
        near = (rows + rng.integers(1, 500, (len(rows), n_neighbors // 2))) % n_items
        far = (n_items * rng.random((len(rows), n_neighbors - near.shape[1])) ** 2).astype(np.int64)
        indices[rows[:, 0]] = np.sort(np.concatenate([near, far], axis=1), axis=1)
        data[rows[:, 0]] = rng.exponential(0.01, (len(rows), n_neighbors))
    matrix = sparse.csr_matrix((n_items, n_items), dtype=np.float32)
    matrix.data, matrix.indices = data.ravel(), indices.ravel()
    matrix.indptr = np.arange(n_items + 1, dtype=np.int64) * n_neighbors
    return matrix


def made_ranker(rng: np.random.Generator, retrievers: tuple[str, ...], looked_up: tuple[str, ...]) -> Any:
    """`horizons` with trees that have something to split on in every column."""
    names = tuple(feature_names(retrievers, looked_up))
    n_rows, rows_a_query = 12_000, 100
    features = rng.random((n_rows, len(names)), dtype=np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    kind = load_ranker("horizons")
    ranker = kind(kind.Params(in_session={"threads": 1}, returning={"threads": 1}))
    ranker.look(names)
    features[:, ranker.column_] = np.repeat(rng.exponential(0.1, n_rows // rows_a_query), rows_a_query)
    utility = np.nan_to_num(features, nan=0.5) @ rng.standard_normal(len(names))
    labels = (utility > np.quantile(utility, 0.95)).astype(np.float32)
    groups = np.full(n_rows // rows_a_query, rows_a_query, dtype=np.int32)
    return ranker.fit(features, labels, groups, names)


def _network(rng: np.random.Generator) -> dict[str, Float32]:
    """Layers of `sequence` as they are before training, with weights that let a history tell."""
    size = SEQUENCE_SIZE

    def random(*sizes: int) -> Float32:
        return rng.standard_normal(sizes, dtype=np.float32) * np.float32(size**-0.5)

    return {
        "gaps": random(GAPS, size) * np.float32(0.1),
        "distances": random(LAYERS, HEADS, LENGTH),
        "norms": np.ones((2 * LAYERS + 1, size), dtype=np.float32),
        "attend": random(LAYERS, size, 3 * size),
        "merge": random(LAYERS, size, size),
        "widen": random(LAYERS, size, 4 * size),
        "narrow": random(LAYERS, 4 * size, size),
    }
