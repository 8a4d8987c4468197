"""Our figures against an independent evaluator (RECOPS_BENCH), on worlds full of edge cases."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from models.evaluation.evaluate import Evaluation, Params, evaluate
from models.evaluation.test_set import make_test_set

LISTS = ("coverage", "coverage_catalog", "novelty", "arp", "pop_lift", "head_share", "gini")


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The evaluator's module."""
    folder = os.environ.get("RECOPS_BENCH")
    if not folder:
        pytest.skip("RECOPS_BENCH names no folder with an independent evaluate.py")
    pytest.importorskip("pandas")
    spec = importlib.util.spec_from_file_location("independent_evaluate", Path(folder) / "evaluate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _world(seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """History, later rows, recommendations, items: repeats, new users and items, short and missing lists, rank gaps."""
    rng = np.random.default_rng(seed)
    n_users, n_items = int(rng.integers(5, 60)), int(rng.integers(25, 90))
    popularity = 1.0 / np.arange(1, n_items + 1)

    def rows(n: int, users: np.ndarray, items: np.ndarray) -> pl.DataFrame:
        chance = popularity[items] / popularity[items].sum()
        return pl.DataFrame(
            {
                "user_id": [f"u{user}" for user in rng.choice(users, n)],
                "item_id": [f"i{item}" for item in rng.choice(items, n, p=chance)],
            }
        )

    old_users, old_items = np.arange(n_users * 3 // 4), np.arange(5, n_items)
    history = rows(n_users * 6, old_users, old_items)
    later = rows(n_users * 3, np.arange(n_users), np.arange(n_items - 3))
    lists = []
    for user in range(n_users):
        depth = int(rng.choice([0, 1, 3, 10, 15, 20, 23]))
        chosen = rng.choice(n_items - 2, size=depth, replace=False)
        ranks = np.cumsum(rng.integers(1, 3, size=depth))
        lists += [(f"u{user}", f"i{item}", int(rank)) for item, rank in zip(chosen, ranks, strict=True)]
    recommendations = pl.DataFrame(lists, schema=["user_id", "item_id", "rank"], orient="row")
    tags = [
        None if rng.random() < 0.1 else [f"t{tag}" for tag in rng.choice(6, int(rng.integers(0, 4)), replace=False)]
        for _ in range(n_items)
    ]
    items = pl.DataFrame({"item_id": [f"i{item}" for item in range(n_items)], "tags": tags})
    return history, later, recommendations.sample(fraction=1, shuffle=True, seed=seed), items.slice(4)


def _judge(history: pl.DataFrame, later: pl.DataFrame, lists: pl.DataFrame, items: pl.DataFrame | None) -> Evaluation:
    shown = lists.get_column("item_id").unique().to_list()
    test_set = make_test_set(history, later, items, further_items=shown)
    return evaluate(test_set, {"ours": test_set.lists(lists)}, Params(bootstrap=100))


@pytest.mark.parametrize("seed", range(12))
def test_every_metric_of_every_segment_agrees_to_a_billionth(bench: ModuleType, seed: int) -> None:
    history, later, lists, items = _world(seed)
    theirs = bench.evaluate(lists.to_pandas(), history.to_pandas(), later.to_pandas(), items.to_pandas(), ks=(10, 20))
    ours = _judge(history, later, lists, items)
    compared = 0
    for segment, slice in {
        "warm": "warm",
        "warm_all": "warm_all",
        "cold_items": "new_items",
        "cold_users": "cold_users",
    }.items():
        figures = dict(theirs[segment])
        rows = ours.summary.filter(slice=slice)
        assert figures.pop("users") == (rows.get_column("n_queries")[0] if rows.height else 0)
        for name, value in figures.items():
            if "@" in name and not name.endswith("_se") or name == "mrr":
                assert ours.value("ours", name, slice) == pytest.approx(value, abs=1e-9), (segment, name)
                compared += 1
    for name in LISTS:
        assert ours.value("ours", f"{name}@10") == pytest.approx(theirs["lists"][f"{name}@10"], abs=1e-9), name
    # the evaluator computes this one in single precision
    assert ours.value("ours", "ild@10") == pytest.approx(theirs["lists"]["ild@10"], abs=1e-6)
    assert compared >= 22


def test_a_catalogue_without_tags_has_no_diversity_figure(bench: ModuleType) -> None:
    history, later, lists, items = _world(99)
    theirs = bench.evaluate(lists.to_pandas(), history.to_pandas(), later.to_pandas(), None, ks=(10, 20))
    ours = _judge(history, later, lists, None)
    assert "ild@10" not in theirs["lists"]
    assert np.isnan(ours.value("ours", "ild@10"))
    for name in set(LISTS) - {"coverage_catalog"}:
        assert ours.value("ours", f"{name}@10") == pytest.approx(theirs["lists"][f"{name}@10"], abs=1e-9), name
    assert items.height
