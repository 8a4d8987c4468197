"""What the stage ablate leaves out is in no later output; skipped, it says so and costs next to nothing."""

from __future__ import annotations

import json
import shutil
import sys
import time

import pytest

from models.ablation.kept import Kept
from models.data.storage import read_arrays
from models.data.tables import FURTHER, WORD_PARTS, WORDS
from models.release.plan import read_plan
from tests.support.one_stage import hashes, run_here
from tests.support.workspace import copy_workspace, edit_params


@pytest.fixture(scope="module")
def with_map(finished_project, tmp_path_factory):
    """The finished project with the retriever cold_items, up to its candidates."""
    folder = copy_workspace(finished_project, tmp_path_factory.mktemp("ablate") / "project")
    edit_params(folder, {"retrievers.cold_items": {"max_users": 5, "offered": 20}})
    for written in ("candidates", "language", "ranker", "bundle"):
        shutil.rmtree(folder / "data" / written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train_retriever", "cold_items", "train"])
        run_here(folder, "train_retriever")
    run_here(folder, "retrieve")
    return folder


def judged(folder, changes) -> Kept:
    shutil.rmtree(folder / "data" / "language", ignore_errors=True)
    edit_params(folder, {"ablate": {"n_users": 1000, "least_users": 2, **changes}})
    run_here(folder, "ablate")
    return Kept.read(folder / "data" / "language" / "kept.json")


def test_quick_skips_it_with_a_word(finished_project):
    kept = Kept.read(finished_project / "data" / "language" / "kept.json")
    assert kept.skipped == "ablate.n_users is 0, so every part stays"
    assert kept.parts == kept.retrievers_left_out == kept.vectors_left_out == []
    page = (finished_project / "data" / "reports" / "report.html").read_text()
    assert "Not judged in this run: ablate.n_users is 0, so every part stays." in page


def test_twice_the_same_bytes_and_each_part_judged(with_map):
    kept = judged(with_map, {})
    first = hashes(with_map, ["data/language"])
    assert {part.part for part in kept.parts} == {"encoder sentence", "encoder words", "map"}
    assert kept.map_settings and set(kept.map_settings["weights"]) == {"sentence", "words"}
    started = time.process_time()
    judged(with_map, {})
    assert time.process_time() - started < 4
    assert hashes(with_map, ["data/language"]) == first


def test_with_too_few_users_every_part_stays(with_map):
    kept = judged(with_map, {"least_users": 10_000})
    assert all(part.kept for part in kept.parts) and kept.retrievers_left_out == kept.vectors_left_out == []


def test_a_map_that_is_too_dear_is_in_no_later_output(with_map, monkeypatch):
    before = hashes(with_map, ["data/candidates"])
    kept = judged(with_map, {"worth": {"bytes": 1.0}})
    assert kept.retrievers_left_out == ["cold_items"] and len(kept.vectors_left_out) == 1
    assert "it would stay" in next(part.why for part in kept.parts if part.part == "map")
    files = with_map / "data" / "language" / "retrievers"
    assert json.loads((files / "popular.json").read_text()) == {"kept": True, "vectors_left_out": []}
    monkeypatch.setattr(sys, "argv", ["train_retriever", "cold_items", "full"])
    run_here(with_map, "train_retriever")
    assert list((with_map / "data" / "retrievers" / "full" / "cold_items").iterdir()) == []
    run_here(with_map, "train_ranker")
    run_here(with_map, "bundle")
    bundle = with_map / "data" / "bundle"
    assert "cold_items" not in read_plan(bundle).retrievers
    assert not (bundle / "retrievers" / "cold_items").exists()
    further, words = read_arrays(bundle / "vectors" / FURTHER), "words" in kept.vectors_left_out
    assert (WORDS in further) == (WORD_PARTS in further) == (bundle / "vectors" / WORDS).is_dir() == (not words)
    assert hashes(with_map, ["data/candidates"]) == before
