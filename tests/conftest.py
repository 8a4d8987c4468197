"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from features.telemetry import quiet_telemetry

quiet_telemetry()
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as stages do: LightGBM's idle threads spin on a shared machine


def _absent(service: str, error: Exception) -> None:
    message = f"{service} does not answer: {error}"
    if os.environ.get("RECOPS_REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def redis_url() -> str:
    """A Redis on loopback (RECOPS_TEST_REDIS names another); keys are told apart by each test's namespace."""
    import redis

    url = os.environ.get("RECOPS_TEST_REDIS", "redis://127.0.0.1:6379/5")
    try:
        redis.Redis.from_url(url, socket_connect_timeout=2).ping()
    except redis.RedisError as error:
        _absent("Redis", error)
    return url


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A database of the test's own on a PostgreSQL on loopback (RECOPS_TEST_POSTGRES: another)."""
    import psycopg

    server = os.environ.get("RECOPS_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432")
    name = f"recops_test_{uuid.uuid4().hex[:12]}"
    try:
        with psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=3) as connection:
            connection.execute(f'create database "{name}"')
    except psycopg.Error as error:
        _absent("PostgreSQL", error)
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
