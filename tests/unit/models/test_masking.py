"""Masked examples: what would be there if a retriever had not been asked."""

from __future__ import annotations

import numpy as np

from models.data.types import Candidates
from models.ranking.examples import Examples
from models.ranking.masking import masked

EXAMPLES = Examples(
    user_ids=np.array(["a", "b"]),
    at=np.array([1, 2]),
    n_targets=np.array([1, 1]),
    candidates=Candidates(
        retrievers=("cold_items", "ease"),
        query=np.array([0, 0, 1], dtype=np.int32),
        item=np.array([4, 5, 4], dtype=np.int32),
        scores=np.array([[2.0, np.nan], [1.0, 0.5], [np.nan, 0.25]], dtype=np.float32),
        ranks=np.array([[1, 0], [2, 1], [0, 1]], dtype=np.int32),
    ),
    labels=np.array([1, 0, 1], dtype=np.float32),
    live=np.array([False, False]),
    asked=np.zeros((2, 2), dtype=np.float32),
    events={"view": np.array([True, False, True])},
)


def test_what_only_a_masked_retriever_offered_is_gone():
    left = masked(EXAMPLES, ["cold_items"])
    assert left.candidates.retrievers == ("ease",)
    np.testing.assert_array_equal(left.candidates.item, [5, 4])
    np.testing.assert_array_equal(left.candidates.ranks, [[1], [1]])
    np.testing.assert_array_equal(left.candidates.scores, np.array([[0.5], [0.25]], dtype=np.float32))
    np.testing.assert_array_equal(left.labels, [0, 1])
    np.testing.assert_array_equal(left.events["view"], [False, True])
    np.testing.assert_array_equal(left.groups, [1, 1])
    np.testing.assert_array_equal(left.n_targets, [1, 1])  # what was wanted stays wanted


def test_without_a_masked_retriever_the_examples_are_the_same():
    assert masked(EXAMPLES, ["text"]) is EXAMPLES
