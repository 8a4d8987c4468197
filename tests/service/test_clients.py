"""Clients: BentoML's own, and recops-client in Python and TypeScript, against a running service."""

from __future__ import annotations

import hashlib
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
from infra.clients import generate
from tests.support.served import serving
from tests.support.small_release import Made, release

KEY = "a key of these tests"


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


@pytest.fixture
def recops(address, monkeypatch):
    monkeypatch.syspath_prepend(str(generate.FOLDER / "python"))
    from recops_client import Recops

    with Recops(address, KEY) as client:
        yield client


def test_the_python_client_asks_records_and_reads_back(recops):
    answer = recops.recommend("python", k=3, explain=True, filter={"price_max": 1e9})
    assert [item.rank for item in answer.items] == [1, 2, 3]
    item_id = answer.items[0].item_id
    event = {"user_id": "python", "item_id": item_id, "event": "click", "event_id": "python-1"}
    assert recops.record([event]).accepted == 1
    assert recops.record([event]).duplicates == 1
    assert (
        recops.record(
            [{**event, "event_id": "python-2"}, {"user_id": "python", "item_id": item_id, "event": "view"}]
        ).accepted
        == 2
    )
    assert recops.history("python").items[0].item_id == item_id
    assert item_id not in [item.item_id for item in recops.similar(item_id, k=5).items]


def test_the_python_client_reaches_every_other_route(recops):
    from recops_client.generated.api.service import status

    assert recops.ask(status).counts.items == 150


def test_the_python_client_raises_what_the_service_refuses(recops, address):
    from recops_client import Recops, RecopsError

    with pytest.raises(RecopsError) as refused:
        recops.recommend(" ")
    assert (refused.value.status, refused.value.code, refused.value.field) == (400, "invalid", "user_id")
    with Recops(address) as stranger, pytest.raises(RecopsError, match="401 unauthorized"):
        stranger.recommend("u")


def test_the_python_client_gives_up_on_what_cannot_be_reached(monkeypatch):
    monkeypatch.syspath_prepend(str(generate.FOLDER / "python"))
    import httpx
    from recops_client import Recops

    with Recops("http://127.0.0.1:9", retries=1) as nobody, pytest.raises(httpx.TransportError):
        nobody.recommend("u")


def skip_without(name: str) -> str:
    program = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        reason = f"{name} is not installed"
        pytest.fail(reason) if os.environ.get("RECOPS_REQUIRE_SERVICES") else pytest.skip(reason)
    return program


@pytest.mark.soak
def test_the_typescript_client_passes_its_tests(address, tmp_path):
    npm = skip_without("npm")
    folder = shutil.copytree(
        generate.TYPESCRIPT, tmp_path / "typescript", ignore=shutil.ignore_patterns("node_modules", "dist")
    )
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
    env = {**os.environ, "RECOPS_URL": address, "RECOPS_KEY": KEY}
    done = subprocess.run([npm, "test"], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 5" in done.stdout, done.stdout


@pytest.mark.soak
def test_the_generators_write_what_is_stored(tmp_path):
    skip_without("npm"), skip_without("uv")
    package, schema = tmp_path / "generated", tmp_path / "schema.ts"
    generate.write_python(generate.DOCUMENT, package)
    generate.write_typescript(generate.DOCUMENT, schema)
    assert schema.read_bytes() == generate.SCHEMA.read_bytes()
    stored = {path.relative_to(generate.PYTHON): path.read_bytes() for path in generate.PYTHON.rglob("*.py")}
    assert {path.relative_to(package): path.read_bytes() for path in package.rglob("*.py")} == stored
