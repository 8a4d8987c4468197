"""Drawn places over HTTP: the service draws what the bundle draws offline, and logs the chances of what it shows."""

from __future__ import annotations

import json
import shutil

import pytest

from models.release.bundle import seal
from services.instants import iso
from tests.support.small_release import Made, offline_lists, release

SLOTS = 3


@pytest.fixture
def drawing(made, tmp_path) -> Made:
    """The small world's bundle, but it draws."""
    folder = tmp_path / "drawing"
    shutil.copytree(made.bundle, folder / "bundle")
    (folder / "features").symlink_to(made.folder / "features", target_is_directory=True)
    plan = json.loads((folder / "bundle" / "recommender.json").read_text())
    plan["explore"] |= {"slots": SLOTS, "temperature": 0.5}
    (folder / "bundle" / "recommender.json").write_text(json.dumps(plan))
    seal(folder / "bundle", features=[], data_hash="d", params_hash="p", code_version="c")
    return Made(made.world, folder, made.at)


def test_the_service_draws_what_is_drawn_offline_and_a_replay_logs_nothing(made, drawing, settings, start):
    release(drawing, settings, "r1")
    users = made.world.history["user_id"].unique().sort().to_list()[:20]
    expected, plain = offline_lists(drawing, users, 100), offline_lists(made, users, 100)
    client = start(RECOPS_AT=iso(made.at))
    for user_id in users:
        found = client.post("/recommend", json={"user_id": user_id}).json()["items"]
        assert [item["item_id"] for item in found] == expected[user_id][:10]
        assert expected[user_id][: 10 - SLOTS] == plain[user_id][: 10 - SLOTS]
    assert any(expected[user_id][:10] != plain[user_id][:10] for user_id in users)
    assert not (settings.home / "impressions").exists()


def test_each_answer_is_a_line_with_the_chance_of_every_item(made, drawing, settings, start):
    release(drawing, settings, "r1")
    client = start()
    user_id = made.world.history["user_id"][0]
    answers = [client.post("/recommend", json={"user_id": user_id, "scenario": "home"}).json() for _ in range(2)]
    (file,) = (settings.home / "impressions").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for answer, line in zip(answers, lines, strict=True):
        assert line["request_id"] == answer["request_id"]
        assert (line["user_id"], line["release"], line["scenario"]) == (user_id, "r1", "home")
        assert line["items"] == [item["item_id"] for item in answer["items"]]
        assert line["propensities"][: 10 - SLOTS] == [1.0] * (10 - SLOTS)
        assert all(0 < chance < 1 for chance in line["propensities"][10 - SLOTS :])
        assert line["at"].startswith(file.stem)


def test_a_scenario_has_its_effect_where_impressions_are_logged_and_nowhere_else(made, drawing, settings, start):
    release(drawing, settings, "drawing")
    client = start()
    assert "warnings" not in client.post("/recommend", json={"user_id": "u", "scenario": "home"}).json()
    (path,) = (settings.home / "impressions").iterdir()
    assert json.loads(path.read_text().splitlines()[-1])["scenario"] == "home"
    release(made, settings, "plain")
    client.runtime.live.refresh()
    (warning,) = client.post("/recommend", json={"user_id": "u", "scenario": "home"}).json()["warnings"]
    assert warning.startswith("scenario: has no effect here")
    assert "warnings" not in client.post("/recommend", json={"user_id": "u"}).json()
