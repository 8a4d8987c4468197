"""Streams of real brokers for tests, each with a name of its own, and consumers as processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
AGAIN_S = 1  # an unacknowledged message comes again after this time [s]


def event(user: str = "u1", item: str = "i1", kind: str = "click", **more: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, "event": kind, **more}


class RedisBroker:
    """A stream of a Redis server."""

    def __init__(self, url: str) -> None:
        import redis

        self.client, self.stream = redis.Redis.from_url(url), f"recops-test-{uuid.uuid4().hex[:12]}"
        self.url = f"{url}?stream={self.stream}&group=g&claim_s={AGAIN_S}"

    def publish(self, bodies: Iterable[bytes]) -> None:
        pipe = self.client.pipeline(transaction=False)
        for body in bodies:
            pipe.xadd(self.stream, {"data": body})
        pipe.execute()

    def close(self) -> None:
        self.client.delete(self.stream)
        self.client.close()


class NatsBroker:
    """A stream of a NATS server with JetStream."""

    def __init__(self, url: str) -> None:
        self.server, self.stream = url, f"recops-test-{uuid.uuid4().hex[:12]}"
        self.subject = f"{self.stream}.events"
        self.url = f"{url}?stream={self.stream}&subject={self.subject}&durable=g&ack_wait_s={AGAIN_S}"
        self._run(self._make())

    def publish(self, bodies: Iterable[bytes]) -> None:
        self._run(self._publish(list(bodies)))

    def close(self) -> None:
        self._run(self._delete())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run(work)

    async def _make(self) -> None:
        connection, context = await self._connect()
        await context.add_stream(name=self.stream, subjects=[f"{self.stream}.>"], storage="memory")
        await connection.close()

    async def _publish(self, bodies: list[bytes]) -> None:
        connection, context = await self._connect()
        for start in range(0, len(bodies), 500):
            futures = [await context.publish_async(self.subject, body) for body in bodies[start : start + 500]]
            await asyncio.gather(*futures)
        await connection.close()

    async def _delete(self) -> None:
        connection, context = await self._connect()
        await context.delete_stream(self.stream)
        await connection.close()

    async def _connect(self) -> Any:
        import nats

        connection = await nats.connect(self.server, connect_timeout=20, allow_reconnect=False)
        return connection, connection.jetstream(timeout=60)


class KafkaBroker:
    """A topic of a Kafka broker; without a server's address, of the broker for tests inside librdkafka."""

    def __init__(self, servers: str | None) -> None:
        from confluent_kafka import Producer

        self.topic = f"recops-test-{uuid.uuid4().hex[:12]}"
        of_client = {"bootstrap.servers": servers} if servers else {"test.mock.num.brokers": 1}
        self._producer = Producer({**of_client, "log_level": 0})
        if servers is None:
            broker = next(iter(self._producer.list_topics(timeout=10).brokers.values()))
            servers = f"{broker.host}:{broker.port}"
        self.url = f"kafka://{servers}/{self.topic}?group=g&session.timeout.ms=6000&heartbeat.interval.ms=500"

    def publish(self, bodies: Iterable[bytes]) -> None:
        for body in bodies:
            self._producer.produce(self.topic, body)
            self._producer.poll(0)
        self._producer.flush(10)

    def close(self) -> None:
        self._producer.flush(1)


def project_folder(folder: Path) -> Path:
    """A folder that commands take for a project."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("dvc.yaml").write_text("stages: {}\n")
    folder.joinpath("params.yaml").write_text("source: {name: csv, input: data/raw}\n")
    return folder


def start_consumer(project: Path, url: str, *more: str, **settings: str) -> subprocess.Popen[str]:
    """`recops events consume` as a process."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RECOPS_")}
    env |= {"RECOPS_HOME": str(project / ".recops"), "PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-m", "flows.cli", "events", "consume", url, *more]
    return subprocess.Popen(command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def bodies(events: Iterable[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(one).encode() for one in events]
