"""Several recommenders on the same queries give the lists that each gives by itself, and share what they can."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.rerankers.mmr import Mmr, MmrParams
from models.together import recommend_together
from tests.unit.models.test_recommender import DAY, Age, catalogue, interactions, queries_at, recommender, retrievers

__all__ = ["catalogue", "retrievers"]  # fixtures


class Counted:
    """A part that counts how often it is asked, and is that part otherwise."""

    def __init__(self, part) -> None:
        self._part = part
        self.asked = 0

    def __getattr__(self, name: str):
        value = getattr(self._part, name)
        if name not in ("retrieve", "features", "score"):
            return value

        def call(*arguments):
            self.asked += 1
            return value(*arguments)

        return call


@pytest.fixture
def queries(catalogue):
    return queries_at(interactions(), catalogue.vocabulary, ["u01", "nobody", "u02"], 301 * DAY)


@pytest.fixture
def counted(catalogue, retrievers):
    """A recommender whose parts count."""
    made = recommender(catalogue, {name: Counted(part) for name, part in retrievers.items()}, relevance=1.0)
    return replace(made, ranker=Counted(made.ranker), lookup=Counted(made.lookup))


def n_asked(made) -> list[int]:
    return [part.asked for part in (*made.retrievers.values(), made.lookup, made.ranker)]


def same(slate, other) -> bool:
    return all(
        np.array_equal(getattr(slate, name), getattr(other, name), equal_nan=True)
        for name in ("items", "scores", "sources")
    )


def test_two_that_differ_in_the_reranker_alone_are_asked_as_one(counted, queries):
    various = replace(counted, reranker=Mmr(MmrParams(relevance=0.3)))
    first, second = recommend_together([counted, various], queries, 5)
    assert set(n_asked(counted)) == {1}
    assert same(first, counted.recommend(queries, 5))
    assert same(second, various.recommend(queries, 5))
    assert not np.array_equal(first.items, second.items)


def test_other_candidates_are_looked_up_and_scored_anew_by_the_shared_parts(counted, queries):
    fewer = replace(counted, k=3)
    first, second = recommend_together([counted, fewer], queries, 5)
    assert set(n_asked(counted)) == {2}
    assert same(first, counted.recommend(queries, 5))
    assert same(second, fewer.recommend(queries, 5))


def test_a_lookup_of_its_own_is_asked_for_itself(counted, queries):
    class Older(Age):
        def features(self, *asked):
            return super().features(*asked) + 1

    other = replace(counted, lookup=Counted(Older()))
    slates = recommend_together([counted, other], queries, 5)
    assert counted.lookup.asked == other.lookup.asked == 1
    assert [part.asked for part in counted.retrievers.values()] == [1] * len(counted.retrievers)
    assert counted.ranker.asked == 2
    assert all(same(slate, own.recommend(queries, 5)) for slate, own in zip(slates, (counted, other), strict=True))
