"""A bundle made once, a home with a live release for each test, and the service in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from features.settings import Settings
from tests.support.small_release import Made, make_bundle, release


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
    return Settings()


@pytest.fixture
def start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """`start(RECOPS_X=…)`: a client of the service as it starts with these settings."""
    from starlette.testclient import TestClient

    from services import app as routes
    from services.access.middleware import AccessMiddleware
    from services.live import release as live

    monkeypatch.setattr(live, "POLL_S", 0.1)
    monkeypatch.setattr(live, "RETRY_S", 0.3)
    with ExitStack() as stack:

        def begin(**environment: str) -> Any:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            found = Settings()
            app = routes.make_app()
            app.state.runtime = routes.Runtime(found)
            app.state.runtime.live.start()
            stack.callback(app.state.runtime.close)
            client = TestClient(
                AccessMiddleware(app, found, labels=routes.labels_of(app)),
                base_url="http://127.0.0.1:3000",
                raise_server_exceptions=False,
            )
            client.runtime = app.state.runtime
            return stack.enter_context(client)

        yield begin


@pytest.fixture
def client(made: Made, settings: Settings, start: Callable[..., Any]) -> Any:
    """A client of a service with a live release, everything on SQLite."""
    release(made, settings, "r1")
    return start()


@pytest.fixture(scope="module")
def shared(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One client for many requests that change nothing."""
    from starlette.testclient import TestClient

    from services import app as routes
    from services.access.middleware import AccessMiddleware

    settings = Settings(home=tmp_path_factory.mktemp("shared"))
    release(made, settings, "r1")
    app = routes.make_app()
    app.state.runtime = routes.Runtime(settings)
    app.state.runtime.live.start()
    client: Any = TestClient(
        AccessMiddleware(app, settings, labels=routes.labels_of(app)),
        base_url="http://127.0.0.1:3000",
        raise_server_exceptions=False,
    )
    client.runtime = app.state.runtime
    with client:
        yield client
    app.state.runtime.close()
