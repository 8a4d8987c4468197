"""A bundle made once, a home with a live release for each test, and the service in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from features.settings import Settings
from tests.support.bento_door import BentoDoor
from tests.support.small_release import Made, make_bundle, release

ADDRESS = "http://127.0.0.1:3000"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The small world's bundle."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home of the test's own, nothing from outside."""
    for name in [name for name in os.environ if name.startswith("RECOPS_")]:
        if name not in ("RECOPS_REQUIRE_SERVICES", "RECOPS_TEST_REDIS", "RECOPS_TEST_POSTGRES", "RECOPS_BENCH"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RECOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RECOPS_DEADLINE_MS", "30000")  # lists are whole on a busy machine too
    return Settings()


@pytest.fixture(scope="module")
def door() -> str:
    """`plain`, or `bento` in a module that runs over both: each request then goes to BentoML's method of its route."""
    return "plain"


@contextmanager
def in_process(settings: Settings, door: str) -> Iterator[Any]:
    """A client of the service in this process; the settings of the `bento` door are those of the environment."""
    from starlette.testclient import TestClient

    from services import app as routes
    from services.access.middleware import AccessMiddleware
    from services.runtime import Runtime

    if door == "bento":
        from services import service

        application = service.make_asgi()
        with TestClient(application, base_url=ADDRESS, raise_server_exceptions=False) as client:
            yield BentoDoor(client, service.app.state.runtime)
        return
    app = routes.make_app()
    app.state.runtime = Runtime(settings)
    app.state.runtime.live.start()
    gate = AccessMiddleware(app, settings, labels=routes.labels_of(app))
    with TestClient(gate, base_url=ADDRESS, raise_server_exceptions=False) as client:
        client.runtime = app.state.runtime
        yield client
    app.state.runtime.close()


@pytest.fixture
def start(settings: Settings, door: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """`start(RECOPS_X=…)`: a client of the service as it starts with these settings."""
    from services.live import release as live

    monkeypatch.setattr(live, "POLL_S", 0.1)
    monkeypatch.setattr(live, "RETRY_S", 0.3)
    with ExitStack() as stack:

        def begin(**environment: str) -> Any:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            return stack.enter_context(in_process(Settings(), door))

        yield begin


@pytest.fixture
def client(made: Made, settings: Settings, start: Callable[..., Any]) -> Any:
    """A client of a service with a live release, everything on SQLite."""
    release(made, settings, "r1")
    return start()


@pytest.fixture(scope="module")
def shared(made: Made, door: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One client for many requests that change nothing."""
    settings = Settings(home=tmp_path_factory.mktemp("shared"))
    release(made, settings, "r1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECOPS_HOME", str(settings.home))
        patch.setenv("RECOPS_DEADLINE_MS", "30000")
        with in_process(settings, door) as client:
            yield client
