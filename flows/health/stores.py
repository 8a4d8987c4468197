"""Stores and servers: whether what the settings name answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from features.errors import UserError
from features.events.connecting import open_database
from features.events.database import SERVING, DatabaseError
from features.resilience.outages import StoreUnavailableError
from features.settings import Settings
from flows.health.findings import Finding
from flows.orchestration.loopback import answers
from flows.orchestration.server import LOCAL

REDIS_TIMEOUT_S = 1.0
SERVER_TIMEOUT_S = 2.0


def check_event_log(settings: Settings) -> Iterator[Finding]:
    """The database of events."""
    url = settings.events_url
    shown = _without_password(url)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
        yield Finding("event log", "ok", f"{shown}: nothing was recorded yet")
        return
    database = open_database(url, SERVING)
    try:
        with database.transaction() as statements:
            statements.execute("select 1")
    except (DatabaseError, StoreUnavailableError) as error:
        remedy = "start the database, or correct RECOPS_DATABASE_URL."
        yield Finding("event log", "wrong", f"{shown} does not answer: {error}", remedy)
        return
    finally:
        database.close()
    yield Finding("event log", "ok", f"{shown} answers")


def check_online_store(settings: Settings) -> Iterator[Finding]:
    """Feast's online store."""
    url = settings.online_store
    if url == "sqlite":
        yield Finding("online store", "ok", "SQLite files in RECOPS_HOME")
        return
    if not url.startswith(("redis://", "rediss://")):
        raise UserError(
            f"RECOPS_ONLINE_STORE is '{url.partition('://')[0]}', expected sqlite or redis://host:port/number"
        )
    import redis

    client = redis.Redis.from_url(
        url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S, retry=None
    )
    try:
        client.ping()
    except redis.RedisError as error:
        remedy = "start Redis, or correct RECOPS_ONLINE_STORE."
        yield Finding("online store", "wrong", f"{_without_password(url)} does not answer: {error}", remedy)
        return
    finally:
        client.close()
    yield Finding("online store", "ok", f"{_without_password(url)} answers")


def check_prefect() -> Iterator[Finding]:
    """The Prefect server that is named, else the one on this machine."""
    named = os.environ.get("PREFECT_API_URL")
    url = named or LOCAL
    if answers(f"{url.rstrip('/')}/health", timeout_s=SERVER_TIMEOUT_S):
        yield Finding("prefect", "ok", f"the server at {url} answers")
    elif named:
        remedy = "start it (`prefect server start`), or unset PREFECT_API_URL: commands work without a server."
        yield Finding("prefect", "wrong", f"PREFECT_API_URL names {url}, which does not answer", remedy)
    else:
        what = f"no Prefect server at {url}: commands work without one, schedules do not run"
        yield Finding("prefect", "note", what, "`prefect server start` starts one (docs/operate.md).")


def _without_password(url: str) -> str:
    """A URL that may be shown."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
