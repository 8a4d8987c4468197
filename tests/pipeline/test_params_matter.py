"""Every param that params.yaml shows: DVC sees its change, and the change changes what its stage writes.

`tests/support/param_changes.py` holds a second value of each, or why it does nothing in this world.
"""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from features.params import PROFILES, read_params
from features.schema import INTERACTIONS, LOG
from features.split import read_cuts
from models.data.queries import part_queries
from models.data.tables import make_log, read_catalogue, read_friends
from models.registry import load_reranker, load_retriever
from tests.support.one_stage import hashes, outs_of, run_again, stages
from tests.support.param_changes import ALONGSIDE, CHANGED, OUTSIDE, UNCHANGED
from tests.support.workspace import ROOT

SMALL_NETWORK = {"epochs": 1, "refit_epochs": 1, "embedding_size": 8}  # of `sequence`, in place of the profile's
# what takes seconds a param waits for `make soak`, but for one of each
SLOW = ("embed", "validate", "retrieve.", "ranker", "evaluate", "retrievers.sequence")
SAMPLE = (
    "validate.stale_days",
    "retrieve.rolling_queries",
    "ranker.name",
    "evaluate.k",
    "retrievers.sequence.embedding_size",
)


def leaves(values: Any, path: str = "") -> dict[str, Any]:
    """Dotted path → value of everything that params.yaml shows; a choice by profile and a list are one value."""
    if not isinstance(values, dict) or not values or set(values) <= set(PROFILES):
        return {path: values}
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= leaves(value, f"{path}.{name}" if path else str(name))
    return found


LOADED = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
SHOWN = {path: value for path, value in leaves(LOADED).items() if value != {}}
INSIDE = {path for path in SHOWN if path.split(".")[0] not in OUTSIDE}
STAGES = stages(ROOT)


def readers(path: str) -> list[str]:
    """Stages whose `params` in dvc.yaml cover a param."""
    section, name = path.split(".")[0], path.split(".")[1] if "." in path else ""
    found = []
    for stage, body in STAGES.items():
        prefixes = [str(prefix).replace("${key}", name) for prefix in body.get("params", [])]
        if "${key}" in str(body.get("params")) and section != "retrievers":
            prefixes = [prefix for prefix in prefixes if not prefix.startswith("retrievers")]
        if any(path == prefix or path.startswith(f"{prefix}.") for prefix in prefixes):
            found.append(stage)
    return found


def test_each_param_that_is_shown_has_a_second_value_or_a_reason():
    assert set(CHANGED) | set(UNCHANGED) == INSIDE
    assert not set(CHANGED) & set(UNCHANGED)
    assert all(len(reason) > 20 for reason in (UNCHANGED | OUTSIDE).values())
    assert set(OUTSIDE) == {path.split(".")[0] for path in SHOWN} - {path.split(".")[0] for path in INSIDE}
    assert set(SAMPLE) <= set(CHANGED)


def test_no_stage_reads_a_section_that_is_said_to_be_outside():
    read = {str(prefix).split(".")[0] for body in STAGES.values() for prefix in body.get("params", [])}
    assert not read & set(OUTSIDE)


@pytest.mark.parametrize("path", sorted(CHANGED))
def test_dvc_sees_the_change(path):
    """A stage is stale by its params, and finds nothing in the run cache that was made with another value."""
    from dvc.stage.cache import _get_cache_hash

    assert readers(path), f"no stage of dvc.yaml lists {path} or a section above it in its params"
    second = copy.deepcopy(LOADED)
    place = second
    *sections, last = path.split(".")
    for name in sections:
        place = place[name]
    assert place[last] != CHANGED[path]
    place[last] = CHANGED[path]
    keys = [_get_cache_hash({"cmd": "one", "params": {"params.yaml": values}}) for values in (LOADED, second)]
    assert keys[0] != keys[1]


def stage_of(path: str) -> str:
    """The first stage that reads a param and writes something else by it (the split in time asks no event's kind)."""
    return "retrieve" if path == "evaluate.targets" else readers(path)[0]


def cases(of_a_part: bool) -> list[Any]:
    """Params of retrievers and rerankers, which are asked directly, or those of whole stages."""
    chosen = []
    for path in sorted(CHANGED):
        direct = path.startswith("retrievers.") or path in ("reranker.relevance", "reranker.category_share")
        if direct == of_a_part:
            slow = path.startswith(SLOW) and path not in SAMPLE
            chosen.append(pytest.param(path, marks=[pytest.mark.soak] if slow else []))
    return chosen


@pytest.mark.parametrize("path", cases(of_a_part=False))
def test_the_change_changes_what_the_stage_writes(path, finished_project, tmp_path, monkeypatch):
    stage, alongside = stage_of(path), ALONGSIDE.get(path, {})
    before = hashes(finished_project, outs_of(STAGES[stage]))
    if alongside:
        before = run_again(finished_project, tmp_path / "before", stage, alongside, monkeypatch)
    assert (
        run_again(finished_project, tmp_path / "after", stage, alongside | {path: CHANGED[path]}, monkeypatch) != before
    )


@pytest.mark.parametrize(
    "stage",
    [
        *("ingest", "split", "clean", "bundle", "decide"),
        *(
            pytest.param(name, marks=pytest.mark.soak)
            for name in ("validate", "embed", "retrieve", "train_ranker", "evaluate")
        ),
    ],
)
def test_without_a_change_a_stage_writes_the_same_again(stage, finished_project, tmp_path, monkeypatch):
    before = hashes(finished_project, outs_of(STAGES[stage]))
    assert before
    assert run_again(finished_project, tmp_path, stage, {}, monkeypatch) == before


@cache
def small_world(folder: Path) -> tuple[Any, Any, Any]:
    """Catalogue, log and the users of valid as queries, of a finished project."""
    data = folder / "data"
    catalogue = read_catalogue(data / "catalogue", data / "vectors")
    friends = read_friends(data / "tables" / "relations.parquet")
    log = make_log(LOG.read(data / "log" / "train.parquet"), catalogue.vocabulary, friends=friends)
    train, valid = (INTERACTIONS.read(data / "split" / f"{part}.parquet") for part in ("train", "valid"))
    cut = read_cuts(data / "split" / "split.json").valid_cut
    queries, _ = part_queries(train, valid, catalogue.vocabulary, cut, availability=catalogue.availability)
    return catalogue, log, queries


@cache
def answers(folder: Path, name: str, changed: str | None) -> tuple[bytes, bytes]:
    """What a retriever of params.yaml offers to the queries, with one of its params changed."""
    catalogue, log, queries = small_world(folder)
    values = dict(read_params(ROOT / "params.yaml")["retrievers"][name] or {})
    values |= SMALL_NETWORK if name == "sequence" else {}
    values |= {changed: CHANGED[f"retrievers.{name}.{changed}"]} if changed else {}
    part = load_retriever(name)
    fitted = part(part.Params.model_validate(values)).fit(log, catalogue)
    if changed == "refit_epochs" or name == "sequence":
        fitted = fitted.refit(log, catalogue, fitted)
    hits = fitted.retrieve(queries, 50)
    assert (hits.items >= 0).any()
    return hits.items.tobytes(), hits.scores.tobytes()


@pytest.mark.parametrize("path", [case for case in cases(of_a_part=True) if "retrievers." in str(case.values[0])])
def test_the_change_changes_what_the_retriever_offers(path, finished_project):
    _, name, param = path.split(".")
    assert answers(finished_project, name, param) != answers(finished_project, name, None)


@pytest.mark.parametrize("param", ["relevance", "category_share"])
def test_the_change_changes_the_order_of_the_reranker(param, finished_project):
    catalogue, _, _ = small_world(finished_project)
    rng = np.random.default_rng(3)
    items = rng.permutation(catalogue.n_items)[:60].astype(np.int32)
    scores = -np.sort(-rng.random(len(items)).astype(np.float32))
    part, values = load_reranker("mmr"), {"relevance": 0.97, "category_share": 1.0}
    orders = [
        part(part.Params.model_validate(values | change)).order(items, scores, catalogue, 10).tolist()
        for change in ({}, {param: CHANGED[f"reranker.{param}"]})
    ]
    assert orders[0] != orders[1]
