"""Sample users: titles of the histories and lists of a few random users, without ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.arrays import Int64
from models.data.types import Catalogue, Queries
from models.evaluation.test_set import TestSet

N_HISTORY, N_SHOWN = 5, 8


def sample_users(
    test_set: TestSet, queries: Queries, lists: Int64, catalogue: Catalogue, n_users: int, seed: int
) -> list[dict[str, Any]]:
    """Of a seeded sample of users with a history: the titles of its newest items (newest first), those of the first
    items of the list, and which of these the user chose later.

    queries: those of the test set, in the catalogue's positions;
    lists: (n_queries, depth) item codes of the test set, -1 pads.
    """
    histories, targets = queries.history.items, test_set.targets
    able = np.flatnonzero((histories.lengths > 0) & (targets.lengths > 0) & (lists[:, 0] >= 0))
    sampled = np.sort(np.random.default_rng(seed).permutation(able)[:n_users])
    return [_example(test_set, queries, lists, catalogue, int(query)) for query in sampled]


def _example(test_set: TestSet, queries: Queries, lists: Int64, catalogue: Catalogue, query: int) -> dict[str, Any]:
    past = list(
        dict.fromkeys(queries.history.items[query][::-1].tolist())
    )  # a repeated item stands once, at its newest
    later = set(test_set.targets[query].tolist())
    codes = [code for code in lists[query, :N_SHOWN].tolist() if code >= 0]
    positions = catalogue.vocabulary.positions(test_set.item_ids[codes].tolist()).tolist()
    return {
        "n_history": len(past),
        "n_later": len(later),
        "history": [_title(catalogue, position) for position in past[:N_HISTORY]],
        "shown": [
            {"title": _title(catalogue, position), "chosen": code in later}
            for position, code in zip(positions, codes, strict=True)
        ],
    }


def _title(catalogue: Catalogue, position: int) -> str:
    return catalogue.titles[position] or f"item {catalogue.vocabulary.item_ids[position]}"
