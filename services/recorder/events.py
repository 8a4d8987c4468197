"""Recording events: batches that arrive while one is written are committed together, each answered when durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from features.events.event_log import Appended, EventLog, NewEvent

A_COMMIT = 10_000


class Recorder:
    """One writing thread beside the event loop; a commit takes whatever has come in meanwhile."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._waiting: list[tuple[Sequence[NewEvent], asyncio.Future[Appended]]] = []
        self._running: asyncio.Task[None] | None = None

    async def record(self, events: Sequence[NewEvent]) -> Appended:
        """Records a batch; returns its result once it is durable.

        Raises:
            DatabaseError: nothing of it was recorded.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Appended] = loop.create_future()
        self._waiting.append((events, answer))
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._drain())
        return await answer

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            taken = self._take()
            batches = [events for events, _ in taken]
            try:
                appended = await loop.run_in_executor(self._thread, self._log.append_batches, batches)
            except Exception as error:  # each caller gets it
                for _, answer in taken:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), result in zip(taken, appended, strict=True):
                if not answer.done():
                    answer.set_result(result)

    def _take(self) -> list[tuple[Sequence[NewEvent], asyncio.Future[Appended]]]:
        """Batches for one commit, A_COMMIT events or a single batch: later batches do not wait long."""
        n_events, taken = 0, 0
        for events, _ in self._waiting:
            n_events += len(events)
            if taken and n_events > A_COMMIT:
                break
            taken += 1
        first, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return first

    def close(self) -> None:
        """Waits for the commit that is under way."""
        self._thread.shutdown(wait=True)
