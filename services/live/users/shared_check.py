"""One look at a remote log for all requests that wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from services.live.users.follower import Followed


class SharedCheck:
    """Runs `look` in a thread; a request takes part in a look that began after it came, so that it misses nothing that
    was acknowledged before. Used on one event loop."""

    def __init__(self, look: Callable[[], Followed]) -> None:
        self._look = look
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log")
        self._waiting: list[asyncio.Future[Followed]] = []
        self._running = False

    async def looked(self, wait_s: float) -> Followed:
        """What a look found; one that takes longer than `wait_s` counts as failed."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Followed] = loop.create_future()
        self._waiting.append(answer)
        if not self._running:
            self._begin(loop)
        timer = loop.call_later(wait_s, _set, answer, Followed(has_failed=True))
        try:
            return await answer
        finally:
            timer.cancel()

    def close(self) -> None:
        """Ends its thread; the next use begins anew."""
        thread, self._thread = self._thread, ThreadPoolExecutor(1, thread_name_prefix="log")
        thread.shutdown(wait=False)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting, self._running = self._waiting, [], True
        look = loop.run_in_executor(self._thread, self._look)

        def end(done: asyncio.Future[Followed]) -> None:
            self._running = False
            failed = done.cancelled() or done.exception() is not None
            for answer in waiting:
                _set(answer, Followed(has_failed=True) if failed else done.result())
            if self._waiting:
                with suppress(RuntimeError):  # the thread has been shut down
                    self._begin(loop)

        look.add_done_callback(end)


def _set(answer: asyncio.Future[Followed], followed: Followed) -> None:
    if not answer.done():
        answer.set_result(followed)
