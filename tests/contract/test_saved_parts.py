"""Saved parts: each file of params has the number of its format; an older one is read, a newer one is refused."""

from __future__ import annotations

import json

import pytest

from features.errors import UserError
from features.renamed_params import RENAMED
from models.data.saved_params import FORMAT, PARAMS
from models.registry import load_ranker, load_retriever, part_names
from models.release.plan import PLAN, read_plan
from tests.contract.test_ranker_promises import fitted as fitted_ranker
from tests.contract.test_retriever_promises import catalogue, log

CATALOGUE, LOG = catalogue(), log()
OLD = {  # new name of a key → the old one, of the section or sections below
    (path.rpartition(".")[0], name): path.rpartition(".")[2] for path, name in RENAMED.items()
}


def without_format(section: str, values: dict) -> dict:
    """As it was saved before formats had numbers, under the names of that time."""
    return {
        OLD.get((section, name), name): without_format(f"{section}.{name}", value) if isinstance(value, dict) else value
        for name, value in values.items()
        if name != "format"
    }


@pytest.mark.parametrize("name", part_names("retriever"))
def test_a_retriever_says_its_format_and_reads_the_one_before(name, tmp_path):
    part = load_retriever(name)
    part().fit(LOG, CATALOGUE).save(tmp_path / "now")
    saved = json.loads((tmp_path / "now" / PARAMS).read_text())
    assert saved["format"] == FORMAT == 1
    (tmp_path / "now").rename(tmp_path / "then")
    (tmp_path / "then" / PARAMS).write_text(json.dumps(without_format(f"retrievers.{name}", saved)))
    part.load(tmp_path / "then").save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / PARAMS).read_text()) == saved


@pytest.mark.parametrize("name", part_names("retriever"))
def test_a_retriever_of_a_later_format_is_refused(name, tmp_path):
    part = load_retriever(name)
    part().fit(LOG, CATALOGUE).save(tmp_path)
    saved = json.loads((tmp_path / PARAMS).read_text())
    (tmp_path / PARAMS).write_text(json.dumps(saved | {"format": 2}))
    with pytest.raises(UserError, match=r"params.json: saved in format 2, this code reads 0 and 1; .*recops run"):
        part.load(tmp_path)


@pytest.mark.parametrize("name", part_names("ranker"))
def test_a_ranker_says_its_format_and_reads_the_one_before(name, tmp_path):
    fitted_ranker(name).save(tmp_path / "now")
    files = sorted(path for path in (tmp_path / "now").rglob("*.json"))
    before = {path: json.loads(path.read_text()) for path in files}
    assert before
    assert {content["format"] for content in before.values()} == {FORMAT}
    for path, content in before.items():
        section = f"ranker.{path.stem}"
        content = without_format(section, content)
        if isinstance(content.get("params"), dict):
            content["params"] = without_format(section, content["params"])
        path.write_text(json.dumps(content))
    load_ranker(name).load(tmp_path / "now").save(tmp_path / "again")
    for path, content in before.items():
        assert json.loads((tmp_path / "again" / path.relative_to(tmp_path / "now")).read_text()) == content


def test_horizons_saved_under_the_old_names_answer_alike(tmp_path):
    """The folders of its two rankers were called live and away."""
    ranker = fitted_ranker("horizons")
    ranker.save(tmp_path)
    saved = json.loads((tmp_path / "horizons.json").read_text())
    sides = dict(zip(("live", "away"), saved["sides"].values(), strict=True))
    params = without_format("ranker.horizons", saved["params"])
    assert {"live", "away"} <= set(params)
    (tmp_path / "horizons.json").write_text(json.dumps({"params": params, "column": saved["column"], "sides": sides}))
    (tmp_path / "in_session").rename(tmp_path / "live")
    (tmp_path / "returning").rename(tmp_path / "away")
    again = load_ranker("horizons").load(tmp_path)
    assert {side: part.models_ for side, part in again.sides_.items()} == {
        side: part.models_ for side, part in ranker.sides_.items()
    }


def test_a_bundles_plan_of_a_later_format_is_refused(tmp_path):
    (tmp_path / PLAN).write_text('{"format": 7}')
    with pytest.raises(UserError, match=r"recommender.json: saved in format 7, this code reads 0 and 1"):
        read_plan(tmp_path)
