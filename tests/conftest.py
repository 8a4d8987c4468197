"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.telemetry import quiet_telemetry
from tests.support import training_kernels

quiet_telemetry()
training_kernels.share()
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start hundreds of processes: each would compile the code again
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as stages do: LightGBM's idle threads spin on a shared machine


# The first makes the finished project and the release for all workers, while the others have something else to do; then
# what is long; what is short comes last, so that no worker waits for another at the end.
ORDER = ("pipeline/test_release_whole.py", "service", "behaviour", "contract", "pipeline", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order in which workers take them."""
    places = [Path(__file__).parent / name for name in ORDER]

    def place(item: pytest.Item) -> int:
        return next((n for n, of in enumerate(places) if item.path == of or of in item.path.parents), len(places))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _stay_in_the_folder() -> Iterator[None]:
    """Commands that run in the test's own process go into their project's folder."""
    before = Path.cwd()
    yield
    os.chdir(before)


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


@pytest.fixture
def nats_url() -> str:
    """A NATS server with JetStream on loopback (RECOPS_TEST_NATS names another); each test has a stream of its own."""
    import asyncio

    import nats

    url = os.environ.get("RECOPS_TEST_NATS", "nats://127.0.0.1:4222")

    async def ask() -> None:
        connection = await nats.connect(url, connect_timeout=2, allow_reconnect=False, max_reconnect_attempts=1)
        try:
            await connection.jetstream(timeout=5).account_info()
        finally:
            await connection.close()

    try:
        asyncio.run(ask())
    except (nats.errors.Error, OSError, TimeoutError) as error:
        _absent("NATS", error)
    return url


@pytest.fixture(params=["redis", "nats", pytest.param("kafka", marks=pytest.mark.soak)])
def broker(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A stream of each broker. Kafka (slow: groups take seconds to form) is asked by `make soak` and in one test."""
    from tests.support.streams import NatsBroker, RedisBroker

    if request.param == "redis":
        stream: Any = RedisBroker(request.getfixturevalue("redis_url"))
    elif request.param == "nats":
        stream = NatsBroker(request.getfixturevalue("nats_url"))
    else:
        stream = request.getfixturevalue("kafka_broker")
    yield stream
    if request.param != "kafka":
        stream.close()


@pytest.fixture
def kafka_broker() -> Iterator[Any]:
    """A topic of the Kafka that RECOPS_TEST_KAFKA names (host:port), else of the broker for tests inside its client."""
    from tests.support.streams import KafkaBroker

    pytest.importorskip("confluent_kafka", reason="the Kafka client is not installed (recops[kafka])")
    stream = KafkaBroker(os.environ.get("RECOPS_TEST_KAFKA"))
    yield stream
    stream.close()
