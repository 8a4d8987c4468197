"""Canary and shadow in the running service: who gets which list, what is measured, and when a trial ends."""

from __future__ import annotations

import json

import pytest

from models.release.store import ReleaseStore
from models.release.trial import running_trial, share_of, trials
from models.release.trial_figures import folder_of_trial
from tests.support.small_release import release
from tests.support.waiting import wait_for

ADMIN = {"X-Recops-Admin": "1"}
USERS = [f"u-{number}" for number in range(40)]


@pytest.fixture
def two(made, settings, start):
    """A client of a service on r1, with r2 recorded beside it."""
    release(made, settings, "r1")
    release(made, settings, "r2", live=False)
    return start()


def change(client, route: str, **body):
    return client.post(f"/admin/{route}", json=body, headers=ADMIN)


def answered_by(client, user_id: str) -> str:
    return client.post("/recommend", json={"user_id": user_id}).json()["release"]


def on_trial(client) -> bool:
    return wait_for(lambda: client.runtime.live.trials.running is not None, 30)


def over(client) -> bool:
    return wait_for(lambda: client.runtime.live.trials.running is None, 30)


def test_a_recorded_release_goes_live_and_again_changes_nothing(two, settings):
    assert change(two, "release", release="r2", why="new").json() == {"release": "r2", "changed": True, "trial": None}
    assert answered_by(two, "u") == "r2"
    assert change(two, "release", release="r2").json()["changed"] is False
    assert [span.release for span in ReleaseStore(settings.home).history()] == ["r1", "r2"]
    assert two.runtime.live._prepared is None


def test_a_canary_answers_the_users_of_its_share_then_everybody(two, settings):
    body = change(two, "release", release="r2", canary=30).json()
    assert (body["release"], body["trial"]["mode"], body["trial"]["percent"]) == ("r1", "canary", 30.0)
    assert on_trial(two)
    for user_id in USERS:
        assert answered_by(two, user_id) == ("r2" if share_of("r2", user_id) < 0.3 else "r1")
    metrics = two.get("/metrics").text
    assert 'recops_release_info{release="r1",role="live"} 1.0' in metrics
    assert 'recops_release_info{release="r2",role="canary"} 1.0' in metrics
    assert 'recops_lists_total{role="canary"}' in metrics
    assert wait_for(lambda: change(two, "abort", why="x").status_code == 200, 5)
    assert over(two)
    assert {answered_by(two, user_id) for user_id in USERS} == {"r1"}
    ended = trials(ReleaseStore(settings.home))[-1]
    assert (ended.outcome, ended.reason) == ("aborted", "http: x")

    change(two, "release", release="r2", canary=30)
    assert on_trial(two)
    loaded = two.runtime.live.trials.running.serving
    assert change(two, "promote").json()["release"] == "r2"
    assert {answered_by(two, user_id) for user_id in USERS[:5]} == {"r2"}
    assert two.runtime.live.current is loaded  # nothing was loaded once more
    assert change(two, "promote").status_code == change(two, "abort").status_code == 409


def test_a_shadow_answers_unseen_and_both_lists_are_recorded(two, settings):
    change(two, "release", release="r2", shadow=True)
    assert on_trial(two)
    running = two.runtime.live.trials.running
    seen = []
    for user_id in USERS[:5]:
        seen.append(two.post("/recommend", json={"user_id": user_id}).json())
        assert wait_for(lambda: running.figures.n_compared + running.figures.n_skipped == len(seen), 60)
    assert {answer["release"] for answer in seen} == {"r1"}
    n_compared = round(running.figures.n_compared)
    assert n_compared > 0
    assert running.figures.mean_overlap == 1.0  # both releases hold the same bundle
    path = folder_of_trial(settings.home, running.trial) / "comparisons.jsonl"
    assert wait_for(lambda: path.is_file() and len(path.read_text().splitlines()) == n_compared, 30)
    lists = {answer["request_id"]: [item["item_id"] for item in answer["items"]] for answer in seen}
    for line in map(json.loads, path.read_text().splitlines()):
        assert line["live"] == line["challenger"] == lists[line["request_id"]]
    trial = change(two, "abort").json()["trial"]
    assert (trial["overlap"], trial["n_compared"], trial["live"]["n_answers"]) == (1.0, n_compared, 5)


def test_a_canary_that_fails_is_answered_by_the_live_release_and_ended(two, settings):
    change(two, "release", release="r2", canary=100)
    assert on_trial(two)

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("planted")

    running = two.runtime.live.trials.running
    object.__setattr__(running.serving, "online", type("Broken", (), {"recommend": fail})())
    answers = [two.post("/recommend", json={"user_id": user_id}) for user_id in USERS[:6]]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["release"] for answer in answers} == {"r1"}
    assert over(two)
    ended = trials(ReleaseStore(settings.home))[-1]
    assert ended.outcome == "aborted"
    assert "lists failed" in ended.reason
    assert running_trial(ReleaseStore(settings.home)) is None


def test_one_that_cannot_be_loaded_ends_its_trial(two, settings):
    (ReleaseStore(settings.home).folder("r2") / "bundle").unlink()
    change(two, "release", release="r2", canary=5)
    assert wait_for(lambda: trials(ReleaseStore(settings.home))[-1].outcome == "aborted", 30)
    assert "could not be loaded" in trials(ReleaseStore(settings.home))[-1].reason
    assert answered_by(two, "u") == "r1"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"release": "typo"}, 404, "release"),
        ({"release": "../r1"}, 404, "release"),
        ({"release": "r2", "canary": 101}, 400, "canary"),
        ({"release": "r2", "canary": 5, "shadow": True}, 400, "canary"),
        ({"release": "r1", "canary": 5}, 409, None),
        ({}, 400, "release"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(two, settings, body, status, field):
    answer = change(two, "release", **body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert [span.release for span in ReleaseStore(settings.home).history()] == ["r1"]
    assert trials(ReleaseStore(settings.home)) == []


def test_a_trial_of_other_code_than_the_live_release_is_409(two, settings):
    store = ReleaseStore(settings.home)
    for name, code in (("r1", "code1"), ("r2", "code2")):
        content = json.loads((store.folder(name) / "release.json").read_text())
        (store.folder(name) / "release.json").write_text(json.dumps({**content, "bento_tag": f"recops:x-{code}"}))
    answer = change(two, "release", release="r2", canary=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "release_not_possible")
    assert "code2 cannot be tried beside r1 of code code1" in answer.json()["error"]["message"]
