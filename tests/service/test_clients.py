"""Clients that others made: BentoML's own, and one that a generator writes from the description of the routes."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import bentoml
import httpx
import pytest
from bentoml.exceptions import BentoMLException

from features.settings import Settings
from tests.support.served import serving
from tests.support.small_release import Made, release

KEY = "a key of these tests"
GENERATOR = "openapi-python-client==0.29.1"  # its typer is older than ours: it runs in an environment of its own


@pytest.fixture(scope="module")
def address(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server with one key of role admin."""
    settings = Settings(home=tmp_path_factory.mktemp("clients"))
    release(made, settings, "r1")
    keys = f"admin:{hashlib.sha256(KEY.encode()).hexdigest()}"
    with serving(settings.home, RECOPS_API_KEYS=keys, HTTP_PROXY="", http_proxy="") as (address, _):
        yield address


@pytest.fixture
def client(address: str) -> Iterator[bentoml.SyncHTTPClient]:
    with bentoml.SyncHTTPClient(address, token=KEY) as client:
        yield client


def test_bentomls_client_asks_by_name_and_gets_items(client):
    user = client.users(limit=1)["users"][0]
    plain = client.recommend(user_id=user, k=3)
    assert [item["rank"] for item in plain["items"]] == [1, 2, 3]
    told = client.recommend(user_id=user, k=3, explain=True, details=True, filter=None, history=None)
    assert [item["item_id"] for item in told["items"]] == [item["item_id"] for item in plain["items"]]
    assert all(item["reason"] and item["category"] for item in told["items"])
    some = client.recommend(user_id=user, filter={"category": [told["items"][0]["category"]]}, exclude=["b001"])
    assert {item["item_id"] for item in some["items"]}
    assert client.similar(item_id=plain["items"][0]["item_id"])["release"] == "r1"
    event = {"user_id": "new", "item_id": plain["items"][0]["item_id"], "event": "click", "value": None}
    assert client.events(events=[event]) == {"accepted": 1, "duplicates": 0}
    assert client.history(user_id="new")["items"][0]["item_id"] == event["item_id"]
    assert client.status()["counts"]["items"] == 150
    assert client.releases()["live"] == "r1"
    assert client.filters(limit=2)["categories"]


def test_bentomls_client_is_told_what_is_wrong_in_our_form(client):
    for call, status, part in (
        (lambda: client.recommend(user_id=""), HTTPStatus.BAD_REQUEST, '"field":"user_id"'),
        (lambda: client.recommend(user_id="u", k="10"), HTTPStatus.BAD_REQUEST, '"field":"k"'),
        (lambda: client.similar(item_id="no such item"), HTTPStatus.NOT_FOUND, '"code":"unknown_item"'),
        (lambda: client.rollback(to="no such release"), HTTPStatus.NOT_FOUND, '"code":"unknown_release"'),
    ):
        with pytest.raises(BentoMLException) as refusal:
            call()
        assert refusal.value.error_code == status
        assert part in str(refusal.value)


def test_without_the_key_bentomls_client_is_refused(address):
    with pytest.raises(BentoMLException, match="Failed to fetch schema"):
        bentoml.SyncHTTPClient(address)
    answer = httpx.post(f"{address}/bento/recommend", json={"user_id": "u"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


def test_a_client_that_knows_the_service_class_works_as_well(address):
    from _bentoml_impl.client.http import SyncHTTPClient  # what `bentoml.depends` asks through

    from services.service import RecopsService

    with SyncHTTPClient(address, token=KEY, service=RecopsService) as client:
        assert client.recommend(user_id="u", k=2).items[0]["rank"] == 1


def generate(*arguments: str) -> str:
    """What the generator says; skipped where it cannot be had."""
    folder = Path(sys.executable).parent  # uv and ruff, which it asks to tidy what it wrote
    env = {**os.environ, "PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}
    uv = shutil.which("uv", path=env["PATH"])
    tool = [uv or "uv", "tool", "run", "--quiet", "--from", GENERATOR, "openapi-python-client"]
    probe = subprocess.run([*tool, "--version"], env=env, capture_output=True, text=True) if uv else None
    if probe is None or probe.returncode:
        reason = f"{GENERATOR} cannot be had: {probe.stderr.strip()[-300:] if probe else 'there is no uv'}"
        if os.environ.get("RECOPS_REQUIRE_SERVICES"):
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run([*tool, "generate", *arguments], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.soak
def test_a_generated_client_asks_and_gets_items(address, tmp_path, monkeypatch):
    description, package = tmp_path / "docs.json", tmp_path / "generated"
    description.write_bytes(httpx.get(f"{address}/docs.json").content)
    written = generate("--path", str(description), "--meta", "none", "--output-path", str(package))
    assert "WARNING" not in written, written
    monkeypatch.syspath_prepend(str(tmp_path))
    generated = importlib.import_module("generated")
    models = importlib.import_module("generated.models")
    client = generated.AuthenticatedClient(base_url=address, token=KEY)

    def call(tag: str, name: str, **arguments):
        return importlib.import_module(f"generated.api.{tag}.{name}").sync(client=client, **arguments)

    user = call("events", "users", limit=1).users[0]
    answer = call("lists", "recommend", body=models.RecommendRequest(user_id=user, k=4, explain=True, details=True))
    assert isinstance(answer, models.RecommendAnswer)
    assert [item.rank for item in answer.items] == [1, 2, 3, 4]
    assert all(isinstance(item, models.RecommendedItem) and item.reason and item.category for item in answer.items)
    seen = call("events", "history", user_id=user)
    assert seen.items[0].item_id
    assert call("service", "status").counts.items == 150
    refused = call("lists", "recommend", body=models.RecommendRequest(user_id=" "))
    assert isinstance(refused, models.ErrorAnswer)
    assert refused.error.field == "user_id"
