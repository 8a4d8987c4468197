"""Milliseconds of our own code for one request and for a batch: retrievers one by one, and the whole recommender.

    python -m benchmarks.retrieval [--bundle DIR] [--items 4000] [--users 2000] [--seed 1]

Without a bundle it fits all retrievers and the boosted trees on made data of about the size of ml-1m's catalogue. The
feature lookup is a plain array here: what the online store costs is told by benchmarks.serving.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from features.arrays import Float32, Int32, Int64
from models.data.ragged import Ragged
from models.data.types import UNKNOWN_TIME, Catalogue, History, Log, Queries
from models.data.vocabulary import Vocabulary
from models.interfaces import FeatureLookup
from models.ranking.features import feature_names, features_of, query_features
from models.recommender import Recommender
from models.registry import load_ranker, load_retriever, part_names
from models.release.plan import read_plan
from models.rerankers.mmr import Mmr
from models.retrieval.candidates import candidates_of

DAY = 86_400_000_000


class Plain:
    """A lookup of made features."""

    def __init__(self, names: tuple[str, ...], n_items: int) -> None:
        self.names = names
        self.table = np.random.default_rng(0).random((n_items, len(names))).astype(np.float32)

    def features(self, user_ids: object, at: Int64, query: Int32, item: Int32) -> Float32:
        return self.table[item]


def made(n_items: int, n_users: int, seed: int) -> tuple[Log, Catalogue]:
    """A log with a long tail and two tastes, and a catalogue with vectors."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.geometric(1 / 100, n_users) + 20, n_items // 4)
    users = np.repeat(np.arange(n_users), lengths)
    items = np.minimum(rng.pareto(1.0, len(users)) * n_items / 40, n_items - 1).astype(np.int32)
    vectors = rng.normal(size=(n_items, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    log = Log(
        user_ids=np.array([f"u{user}" for user in range(n_users)]),
        users=users.astype(np.int32),
        items=items,
        times=np.sort(rng.integers(0, 300, len(users))) * DAY,
        values=np.full(len(users), np.nan, dtype=np.float32),
        weights=np.ones(len(users), dtype=np.float32),
        at=300 * DAY,
    )
    catalogue = Catalogue(
        vocabulary=Vocabulary([f"i{item:06}" for item in range(n_items)]),
        titles=[f"Title {item}" for item in range(n_items)],
        tags=[["a"]] * n_items,
        category_names=["a"],
        categories=np.zeros(n_items, dtype=np.int32),
        prices=np.full(n_items, np.nan, dtype=np.float32),
        created_at=np.full(n_items, UNKNOWN_TIME),
        vectors=vectors,
    )
    return log, catalogue


def histories(n_items: int, n_queries: int, length: int, seed: int) -> Queries:
    """Queries with `length` items each, all of them excluded."""
    rng = np.random.default_rng(seed)
    items = np.concatenate([rng.choice(n_items, length, replace=False) for _ in range(n_queries)]).astype(np.int32)
    offsets = np.arange(n_queries + 1) * length
    excluded = np.concatenate([np.sort(items[start : start + length]) for start in offsets[:-1]])
    return Queries(
        user_ids=np.array([f"u{query}" for query in range(n_queries)]),
        at=np.full(n_queries, 300 * DAY),
        history=History(
            items=Ragged(offsets, items),
            times=np.tile(np.arange(length) * DAY, n_queries),
            weights=np.ones(len(items), dtype=np.float32),
        ),
        excluded=Ragged(offsets, excluded),
    )


def milliseconds(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Median and 99th percentile."""
    for _ in range(3):
        work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


def fitted(n_items: int, n_users: int, seed: int) -> Recommender:
    """All retrievers and boosted trees on made data."""
    log, catalogue = made(n_items, n_users, seed)
    retrievers = {}
    for name in part_names("retriever"):
        started = time.perf_counter()
        retrievers[name] = load_retriever(name)().fit(log, catalogue)
        print(f"fit {name:12} {time.perf_counter() - started:8.2f} s")
    lookup: FeatureLookup = Plain(tuple(f"made_{place}" for place in range(28)), n_items)
    queries = histories(n_items, 200, 50, seed)
    candidates = candidates_of(retrievers, queries, 100, n_items)
    features = features_of(candidates, queries.user_ids, queries.at, query_features(queries), lookup)
    labels = (np.random.default_rng(seed).random(len(candidates)) < 0.05).astype(np.float32)
    groups = np.bincount(candidates.query, minlength=len(queries)).astype(np.int32)
    names = feature_names(candidates.retrievers, lookup.names)
    ranker = load_ranker("lightgbm")().fit(features, labels, groups, names)
    return Recommender(catalogue=catalogue, retrievers=retrievers, ranker=ranker, reranker=Mmr(), lookup=lookup, k=100)


def main() -> None:
    """Prints a line a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--items", type=int, default=4000)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.bundle:
        names = tuple(read_plan(options.bundle).features)
        recommender = Recommender.load(options.bundle, Plain(names, 0))
        recommender.lookup = Plain(names, recommender.catalogue.n_items)
    else:
        recommender = fitted(options.items, options.users, options.seed)
    n_items = recommender.catalogue.n_items
    many, long, one = (
        histories(n_items, *size, options.seed) for size in ((200, 50), (1, min(500, n_items // 2)), (1, 50))
    )
    print(f"items {n_items}, retrievers {len(recommender.retrievers)}, k 10; milliseconds, median and p99")
    print(f"{'':22}{'one request':>18}{'history of ' + str(len(long.items)):>22}{'a request of 200':>20}")
    work: list[tuple[str, Callable[[Queries], object]]] = [
        (name, lambda queries, part=part: part.retrieve(queries, recommender.k))  # type: ignore[misc]
        for name, part in recommender.retrievers.items()
    ]
    work.append(("whole recommendation", lambda queries: recommender.recommend(queries, 10)))
    slate = recommender.recommend(one, 10)
    for name, ask in work:
        single, heavy = milliseconds(partial(ask, one), 200), milliseconds(partial(ask, long), 100)
        batch = milliseconds(partial(ask, many), 5)[0] / len(many)
        print(f"{name:22}{single[0]:10.2f} {single[1]:7.2f}{heavy[0]:14.2f} {heavy[1]:7.2f}{batch:20.2f}")
    median, worst = milliseconds(lambda: recommender.explain(one, slate), 200)
    print(f"{'reasons for 10':22}{median:10.2f} {worst:7.2f}")


if __name__ == "__main__":
    main()
