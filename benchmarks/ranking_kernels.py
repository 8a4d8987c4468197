"""Milliseconds of ranking and reranking the candidates of one request, before and after: one run, side by side.

    python -m benchmarks.ranking_kernels [--bundle DIR] [--rows 500] [--rounds 300] [--seed 1]

Without a bundle it grows trees as large as the default ranker's (two horizons of three seeds) on made rows. `before` is
what a batch runs: LightGBM, and the plain forms of the rerankers; `after` what one request runs. Both must agree to the
bit, else it fails. Rounds of the two alternate, so that other load meets both; shown are the least and the median.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from features.arrays import Float32
from models.data.types import UNKNOWN_TIME, Catalogue
from models.data.vocabulary import Vocabulary
from models.interfaces import Scores
from models.online.scoring.scorer import online_scorer
from models.ranking.features import IDLE, N_HISTORY, RANK_PREFIX, SCORE_PREFIX
from models.registry import load_ranker, load_reranker, make, part_names
from models.release.plan import read_plan
from tests.support.plain_rerankers import plain_order

N_RETRIEVERS, N_LOOKED_UP, N_ITEMS = 11, 28, 3883
RETRIEVERS = tuple(f"r{number}" for number in range(N_RETRIEVERS))
NAMES = (
    *(RANK_PREFIX + name for name in RETRIEVERS),
    *(SCORE_PREFIX + name for name in RETRIEVERS),
    "n_retrievers",
    IDLE,
    N_HISTORY,
    *(f"f{number}" for number in range(N_LOOKED_UP)),
)


ONE_THREAD = {"threads": 1, "min_data_in_leaf": 20}
PARAMS = {"lightgbm": ONE_THREAD, "horizons": {"in_session": ONE_THREAD, "returning": ONE_THREAD}}


def made_rows(n: int, width: int, rng: np.random.Generator) -> Float32:
    """Candidates of one query: sparse ranks, scores where there is a rank, columns of the user, columns of the item."""
    features = rng.normal(size=(n, width)).astype(np.float32)
    ranks = rng.integers(1, 101, (n, N_RETRIEVERS)) * (rng.random((n, N_RETRIEVERS)) < 0.3)
    features[:, :N_RETRIEVERS] = np.where(ranks > 0, 1.0 / np.maximum(ranks, 1), 0.0)
    features[:, N_RETRIEVERS : 2 * N_RETRIEVERS] = np.where(ranks > 0, rng.random(ranks.shape), np.nan)
    features[:, 2 * N_RETRIEVERS] = (ranks > 0).sum(axis=1)
    features[:, NAMES.index(IDLE)] = rng.choice([0.01, 9.0])
    features[:, NAMES.index(N_HISTORY)] = np.log1p(rng.integers(1, 300))
    of_user = slice(2 * N_RETRIEVERS + 3, 2 * N_RETRIEVERS + 13)
    features[:, of_user] = features[0, of_user]
    return features


def grown(name: str, rng: np.random.Generator) -> Scores:
    """A ranker as large as with default params, fitted on made rows."""
    size, n_queries = 100, 60
    features = np.concatenate([made_rows(size, len(NAMES), rng) for _ in range(n_queries)])
    merit = features[:, :N_RETRIEVERS].sum(axis=1) + features[:, -1] / 3 + rng.normal(size=len(features)) / 3
    labels = (merit > 1.5).astype(np.float32)
    return make("ranker", name, PARAMS.get(name)).fit(features, labels, np.full(n_queries, size, dtype=np.int32), NAMES)


def made_catalogue(rng: np.random.Generator) -> Catalogue:
    """As many items as ml-1m has, with vectors as long as all-MiniLM-L6-v2's."""
    vectors = rng.normal(size=(N_ITEMS, 384)).astype(np.float32)
    return Catalogue(
        vocabulary=Vocabulary([str(item) for item in range(N_ITEMS)]),
        titles=[None] * N_ITEMS,
        tags=[[] for _ in range(N_ITEMS)],
        category_names=[str(number) for number in range(18)],
        categories=rng.integers(0, 18, N_ITEMS).astype(np.int32),
        prices=np.full(N_ITEMS, np.nan, dtype=np.float32),
        created_at=np.full(N_ITEMS, UNKNOWN_TIME),
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
    )


def compare(name: str, before: Callable[[], object], after: Callable[[], object], rounds: int) -> None:
    """Prints a line; the first round is for warming up."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for call, taken in zip((before, after), times, strict=True):
            start = time.perf_counter()
            call()
            if number:
                taken.append((time.perf_counter() - start) * 1000)
    old, new = times
    print(
        f"{name:24} {min(old):8.3f} {median(old):8.3f}   {min(new):8.3f} {median(new):8.3f}   "
        f"{median(old) / median(new):6.1f}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, help="whose ranker is measured beside the others")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print(f"{'ms, least and median':24} {'before':>17}   {'after':>17}   {'ratio':>6}")
    rankers: list[tuple[str, Callable[[], Scores], int]] = []
    if options.bundle is not None:
        plan = read_plan(options.bundle)
        width = 2 * len(plan.retrievers) + 3 + len(plan.features)
        rankers.append(
            (f"bundle's {plan.ranker}", partial(load_ranker(plan.ranker).load, options.bundle / "ranker"), width)
        )
    rankers += [(name, partial(grown, name, rng), len(NAMES)) for name in part_names("ranker")]
    for name, made, width in rankers:
        ranker = made()
        features, score = made_rows(options.rows, width, rng), online_scorer(ranker)
        if score(features).tobytes() != ranker.score(features).tobytes():
            print(f"{name}: scores differ")
            return 1
        compare(name, lambda r=ranker, f=features: r.score(f), lambda s=score, f=features: s(f), options.rounds)  # type: ignore[misc]
    catalogue = made_catalogue(rng)
    items = rng.permutation(N_ITEMS)[: options.rows].astype(np.int32)
    scores = np.sort(rng.random(len(items)).astype(np.float32))[::-1].copy()
    for name in part_names("reranker"):
        for label, params in ((name, {}), (f"{name}, capped", {"category_share": 0.3})):
            if "category_share" in params and "category_share" not in load_reranker(name).Params.model_fields:
                continue
            part = make("reranker", name, params)
            if not np.array_equal(
                part.order(items, scores, catalogue, 10), plain_order(part, items, scores, catalogue, 10)
            ):
                print(f"{label}: lists differ")
                return 1
            compare(
                label,
                lambda p=part: plain_order(p, items, scores, catalogue, 10),  # type: ignore[misc]
                lambda p=part: p.order(items, scores, catalogue, 10),  # type: ignore[misc]
                options.rounds,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
