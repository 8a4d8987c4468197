"""A Bento needs its state named: without it nothing is answered or recorded, and the answer says what to set."""

from __future__ import annotations

import shutil

import pytest

from services.live import bento


@pytest.fixture
def inside(made, tmp_path, monkeypatch):
    """The folder of a Bento that this service runs from."""
    folder = tmp_path / "bento" / "src"
    folder.mkdir(parents=True)
    shutil.copytree(made.bundle, folder / "bundle")
    monkeypatch.setattr(bento, "INSIDE", folder / "bundle")
    return folder


def routes(client):
    """Every route that answers or records."""
    event = {"user_id": "u", "item_id": "b001", "event": "click"}
    yield client.post("/recommend", json={"user_id": "u"})
    yield client.post("/similar", json={"item_id": "b001"})
    yield client.post("/events", json={"events": [event]})
    yield client.get("/status")
    yield client.get("/history", params={"user_id": "u"})


@pytest.mark.parametrize("home", [None, "state"])
def test_with_its_home_inside_or_not_named_a_bento_serves_and_writes_nothing(
    inside, settings, start, monkeypatch, home
):
    monkeypatch.chdir(inside)
    monkeypatch.delenv("RECOPS_HOME")
    files = sorted(inside.rglob("*"))
    client = start(**({} if home is None else {"RECOPS_HOME": str(inside / home)}))
    assert client.runtime.live.current is None  # what /readyz asks
    for answer in routes(client):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
        assert "set RECOPS_HOME to the folder outside" in answer.json()["error"]["message"]
    assert sorted(inside.rglob("*")) == files


def test_a_bento_whose_home_holds_no_release_is_not_ready_and_says_what_to_set(inside, settings, start):
    client = start()
    answer = client.post("/recommend", json={"user_id": "u"})
    assert answer.status_code == 503
    assert f"no release is live in RECOPS_HOME={settings.home}" in answer.json()["error"]["message"]
    assert "RECOPS_RELEASE=bento" in answer.json()["error"]["message"]


def test_on_request_a_bento_serves_its_own_bundle_and_keeps_events_in_its_home(inside, start):
    client = start(RECOPS_RELEASE="bento")
    body = client.post("/recommend", json={"user_id": "u", "k": 3}).json()
    assert body["release"].startswith("bento-")
    assert len(body["items"]) == 3
    chosen = body["items"][0]["item_id"]
    client.post("/events", json={"events": [{"user_id": "u", "item_id": chosen, "event": "click"}]})
    after = client.post("/recommend", json={"user_id": "u", "k": 3}).json()
    assert chosen not in [item["item_id"] for item in after["items"]]
    assert client.get("/releases").json()["live"] == body["release"]
    again = start()
    assert again.post("/recommend", json={"user_id": "u", "k": 3}).json()["items"] == after["items"]


def test_an_instant_that_nobody_knows_is_null(inside, start):
    status = start(RECOPS_RELEASE="bento").get("/status").json()
    assert (status["data_until"], status["data_age_days"]) == (None, None)


def test_a_time_that_is_a_mere_order_is_null(client):
    from services.instants import iso_if_known

    assert iso_if_known(1_000_000) is None  # the second row of data without times
    assert iso_if_known(631_152_000_000_000) == "1990-01-01T00:00:00+00:00"
