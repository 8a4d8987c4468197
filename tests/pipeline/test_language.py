"""Texts by a language server in a whole project: asked once, shared, budgeted, never needed; no key, no user leaves."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from flows.project.dataset import Project
from models.language.writing.answers import read_answers
from tests.support.language_server import KEY, Play, asked_about, honest, part_of, scripted
from tests.support.workspace import copy_workspace, edit_params, recops, run

PARTS = ["keywords", "profile", "reason"]


@pytest.fixture(scope="module")
def asked(finished_project, tmp_path_factory):
    """A project whose items and five users were asked about, its server, and what the commands printed."""
    folder = copy_workspace(finished_project, tmp_path_factory.mktemp("language") / "project")
    edit_params(folder, {"language.model": "tiny", "language.parts": PARTS, "language.n_profiles": 5})
    said = {"dry": recops(folder, "ask", "--dry-run").stdout, "no server": recops(folder, "ask").stdout}
    with scripted(honest) as server:
        said["ask"] = recops(folder, "ask", **server.settings()).stdout
        said["again"] = recops(folder, "ask", **server.settings()).stdout
        said["run"] = recops(folder, "run", "--until", "enrich", **server.settings()).stdout
    return folder, server, said


def report(folder: Path) -> dict:
    return json.loads((folder / "data/reports/language.json").read_text())


def enriched(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "data/enriched").iterdir())}


def test_without_a_model_a_run_writes_everything_by_itself(finished_project):
    items = pl.read_parquet(finished_project / "data/enriched/items.parquet")
    assert items.height == 120 and (items["keywords"].list.len() > 0).all() and (items["asked"].list.len() == 0).all()
    assert report(finished_project)["model"] is None and report(finished_project)["total"]["calls"] == 0
    assert "Texts of items and users" in (finished_project / "data/reports/report.html").read_text()
    assert not (finished_project / ".recops/answers.db").exists()


def test_asking_needs_a_model_in_params(finished_project):
    refused = recops(finished_project, "ask", check=False)
    assert refused.returncode == 2 and "language.model in params.yaml is null" in refused.stderr


def test_a_dry_run_and_a_missing_server_send_nothing(asked):
    _, _, said = asked
    assert "keywords: 120 questions" in said["dry"] and "245 questions in all" in said["dry"]
    assert "nothing was asked" in said["no server"]


def test_answers_are_paid_once_and_used_by_the_stage(asked):
    folder, server, said = asked
    assert "245 answers for 26,950 tokens, 0.0294 of money" in said["ask"] and "0 answers" in said["again"]
    assert len(server.bodies) == 245 and max(server.seen.values()) <= 2  # the same data under two prompts
    items = pl.read_parquet(folder / "data/enriched/items.parquet")
    assert items["asked"].to_list() == [["keywords", "reason"]] * 120
    users = pl.read_parquet(folder / "data/enriched/users.parquet")
    assert users["asked"].sum() == 5
    total = report(folder)["total"]
    assert total["calls"] == 245 and total["price"] == pytest.approx(245 * 120e-6) and total["refused"] == 0


def test_answers_are_tracked_by_dvc(asked):
    folder, _, _ = asked
    assert (folder / "data/answers.dvc").is_file()
    assert Project(folder).params()["language"]["answers"] == "data/answers"
    assert {path.stem for path in (folder / "data/answers").glob("*.parquet")} == set(PARTS)


def test_no_id_of_a_user_leaves_and_data_stay_out_of_the_prompt(asked):
    folder, server, _ = asked
    users = set(pl.read_parquet(folder / "data/tables/interactions.parquet")["user_id"])
    for body in server.bodies:
        text = json.dumps(body)
        assert not any(f'"{user}"' in text or f" {user} " in text for user in users)
    prompts = {(part_of(body), body["messages"][0]["content"]) for body in server.bodies}
    assert len(prompts) == 3 and all("<data>\n" not in prompt for _, prompt in prompts)
    assert all(asked_about(body).startswith("<data>\n") for body in server.bodies)


def test_neither_key_nor_address_is_in_any_file_of_the_project(asked):
    folder, server, _ = asked
    address = server.base_url.removesuffix("/v1").removeprefix("http://")
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            assert KEY.encode() not in content and address.encode() not in content, path


def test_without_the_server_the_stage_writes_the_same_bytes(asked):
    folder, _, _ = asked
    before = enriched(folder)
    run("-m", "flows.stages.enrich", cwd=folder)
    assert enriched(folder) == before


def test_an_item_can_be_looked_at(asked, finished_project):
    folder, _, _ = asked
    item = pl.read_parquet(folder / "data/catalogue/catalogue.parquet")["item_id"][0]
    lines = recops(folder, "item", item).stdout
    assert "[a model]" in lines and "how well known (0 to 10)" in lines and "[local]" in lines
    assert "[a model]" not in recops(finished_project, "item", item).stdout
    missing = recops(folder, "item", "nothing", check=False)
    assert missing.returncode == 2 and "there is no item 'nothing'" in missing.stderr


def test_printed_reasons_say_what_an_item_is_about(asked):
    folder, _, _ = asked
    user = pl.read_parquet(folder / "data/tables/interactions.parquet")["user_id"].sort()[0]
    assert "calm" in recops(folder, "recommend", "--user", user).stdout  # the clause of the scripted server


def test_a_server_that_fails_stops_no_run_and_the_next_asks_for_the_rest(asked, tmp_path):
    """Two prompts more: descriptions are asked from a server that answers three, then fails; a run goes on."""
    folder = copy_workspace(asked[0], tmp_path / "project")
    edit_params(folder, {"language.parts": [*PARTS, "prior_popularity"]})
    served = [0]

    def failing(body, n):
        served[0] += bool(body)
        return honest(body, n) if body and served[0] <= 3 else Play(status=503)

    one = {"RECOPS_LLM_CONCURRENCY": "1", "RECOPS_LLM_MAX_SECONDS": "5"}
    with scripted(failing) as server:
        said = recops(folder, "run", "--until", "enrich", "-v", **server.settings(), **one)
        assert "117 questions are left" in said.stderr
        assert report(folder)["parts"]["prior_popularity"]["asked"] == 3
        n_before = len(server.bodies)
        served[0] = -1000
        recops(folder, "run", "--until", "enrich", **server.settings())
        assert len(server.bodies) - n_before == 117
    assert report(folder)["parts"]["prior_popularity"]["asked"] == 120


def test_who_is_forgotten_is_in_no_answer(asked, tmp_path):
    folder = copy_workspace(asked[0], tmp_path / "project")
    profiles = read_answers(folder / "data/answers").filter(part="profile")
    user = profiles["subject"][0]
    said = recops(folder, "forget", user).stdout
    assert "answers (what a language model said of them): 1 erased" in said
    assert "data/answers (the same, shared): 1 erased" in said
    assert user not in read_answers(folder / "data/answers").filter(part="profile")["subject"].to_list()
    (key,) = profiles.filter(subject=user)["key"]
    assert not any(key.encode() in path.read_bytes() for path in (folder / ".recops").glob("answers.db*"))
