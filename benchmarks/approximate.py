"""Approximate search beside exact search: recall and time of a query, for each retriever that compares vectors.

    python -m benchmarks.approximate [HOME] [--queries 200] [--k 100]

HOME holds a live release; by default RECOPS_HOME. `python -m benchmarks.serving.made_home FOLDER --items 1000000` makes
one of any size. Queries are vectors as requests have them: means of the vectors of random items and of items near them.
The indexes are made in a temporary folder, and the time of it is printed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from features.arrays import Bool, Float32
from features.settings import Settings
from models.online.approximate import approximate, recall
from models.online.best_products import ExactSearch, Search
from models.release.plan import read_part, read_plan
from models.release.store import ReleaseStore
from models.single_query.query_plans import Projection, Sequential


def vectors_of(retriever: object) -> tuple[Float32, Bool] | None:
    """(n_items, size) vectors and which of them are learned; None for a retriever that compares none."""
    plan = retriever.query_plan() if hasattr(retriever, "query_plan") else None
    if isinstance(plan, Projection):
        return plan.vectors, np.ascontiguousarray(plan.learned)
    if isinstance(plan, Sequential):
        return plan.arrays["items"], np.isfinite(plan.offset)
    return None


def milliseconds(search: Search, queries: Float32, n_items: int, k: int) -> list[float]:
    """Time of the processor of each query, ascending; a hundred items are blocked, as after a history."""
    blocked = np.zeros(n_items, dtype=np.bool_)
    blocked[:: max(1, n_items // 100)] = True
    times = []
    for query in queries:
        items, scores = np.empty(k, dtype=np.int32), np.empty(k, dtype=np.float32)
        started = time.thread_time()
        search.top(query, blocked, items, scores)
        times.append((time.thread_time() - started) * 1000)
    return sorted(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, nargs="?", default=None)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--k", type=int, default=100)
    given = parser.parse_args()
    store = ReleaseStore((given.home or Settings().home).absolute())
    bundle = store.bundle(store.live() or "")
    plan, rng = read_plan(bundle), np.random.default_rng(1)
    print(
        f"{'':<12}{'items':>10}{'size':>6}{'exact':>10}{'':>10}{'approximate':>13}{'':>10}{'recall':>9}{'made in':>9}"
    )
    print(f"{'':<12}{'':>10}{'':>6}{'p50 ms':>10}{'p99':>10}{'p50 ms':>13}{'p99':>10}{f'@{given.k}':>9}{'s':>9}")
    with tempfile.TemporaryDirectory(prefix="recops-approximate-") as folder:
        make = approximate(Path(folder), "benchmark", 1)
        for name in plan.retrievers:
            compared = vectors_of(read_part("retriever", name, bundle / "retrievers" / name))
            if compared is None:
                continue
            vectors, learned = compared
            first = rng.choice(np.flatnonzero(learned), given.queries)
            near = np.minimum(first[:, None] + rng.integers(0, 50, (given.queries, 5)), len(vectors) - 1)
            queries = vectors[near].mean(axis=1) + vectors[first]
            started = time.perf_counter()
            search = make(name, vectors, learned)
            made_s = time.perf_counter() - started
            exact = milliseconds(ExactSearch(vectors, learned), queries, len(vectors), given.k)
            fast = milliseconds(search, queries, len(vectors), given.k)
            share = recall(search, vectors, learned, queries, given.k)
            times = [times[int(len(times) * quantile)] for times in (exact, fast) for quantile in (0.5, 0.99)]
            print(
                f"{name:<12}{len(vectors):>10}{vectors.shape[1]:>6}{times[0]:>10.2f}{times[1]:>10.2f}{times[2]:>13.2f}"
                f"{times[3]:>10.2f}{share:>9.3f}{made_s:>9.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
