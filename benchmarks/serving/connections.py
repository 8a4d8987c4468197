"""Kept HTTP/1.1 connections of the load generator: raw protocols, one request at a time on each."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BROKEN = 0  # status of a request whose connection ended before its answer


@dataclass(frozen=True, slots=True)
class Answer:
    """Status (BROKEN: none came) and body."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class _Connection(asyncio.Protocol):
    """One connection; `idle` is called with it when it may take the next request."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._received, self._length = pool, bytearray(), -1
        self._done: Callable[[Answer], None] | None = None
        self._status, self.transport = BROKEN, None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes, done: Callable[[Answer], None]) -> None:
        self._done = done
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        if self._length < 0:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(received[:end]).lower()
            self._status = int(head[9:12])
            self._length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
            del received[: end + 4]
        if len(received) < self._length:
            return
        answer = Answer(self._status, bytes(received[: self._length]))
        received.clear()
        self._length = -1
        self._finish(answer)
        self._pool.idle(self)

    def connection_lost(self, fault: Exception | None) -> None:
        self._pool.lost(self)
        self._finish(Answer(BROKEN, str(fault or "").encode()))

    def _finish(self, answer: Answer) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(answer)


class Pool:
    """At most `size` connections; a request that finds all of them busy waits for its turn."""

    def __init__(self, host: str, port: int, size: int) -> None:
        self._address, self._free_slots = (host, port), size
        self._idle: list[_Connection] = []
        self._waiting: deque[tuple[bytes, Callable[[Answer], None]]] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    async def open(self, number: int) -> None:
        """Opens connections before the first request."""
        self._free_slots -= number
        await asyncio.gather(*(self._connect() for _ in range(number)))

    def send(self, request: bytes, done: Callable[[Answer], None]) -> None:
        """Sends it as soon as a connection is idle; `done` is called with the answer."""
        if self._idle:
            self._idle.pop().send(request, done)
            return
        self._waiting.append((request, done))
        if self._free_slots > 0:
            self._free_slots -= 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def ask(self, request: bytes) -> Answer:
        """The answer to one request."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.send(request, lambda answer: None if future.done() else future.set_result(answer))
        return await future

    def idle(self, connection: _Connection) -> None:
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        self._free_slots += 1
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    def close(self) -> None:
        for connection in [*self._idle]:
            connection.transport.close()

    async def _connect(self) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), *self._address
            )
        except OSError as error:
            self._free_slots += 1
            if self._waiting:
                self._waiting.popleft()[1](Answer(BROKEN, str(error).encode()))
            return
        self.idle(connection)
