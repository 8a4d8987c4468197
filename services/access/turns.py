"""Turns: lists are answered one after the other, and between two of them the loop reads what has come in.

Without turns the loop would answer everything that it read at once before it reads again: a request that comes
meanwhile would wait unseen in the socket, its wait neither measured nor limited.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque

from services.errors import ApiError
from services.metrics import metrics

LEAST_LIMIT_S = 0.1  # a shorter deadline makes the answer cheaper, it never refuses: a wait of this length is bearable
WEIGHT = 0.05  # of the newest answer in the mean of how long one takes


class Turns:
    """A queue for one worker's event loop.

    seconds: how long an answer takes, an exponentially weighted mean.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._busy = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """Requests that wait for their turn."""
        return len(self._waiting)

    def is_free(self) -> bool:
        """Whether nobody is answered and nobody waits."""
        return not self._busy

    async def take(self, deadline: float | None) -> float:
        """Waits for this request's turn; when it began (perf_counter). `give` must follow.

        Raises:
            ApiError: 503 at once, where its turn would come after the deadline.
        """
        came = time.perf_counter()
        if not self._busy:
            self._busy = True
            return came
        if deadline is not None:
            wait = (len(self._waiting) + 1) * self.seconds
            if wait > max(deadline - came, LEAST_LIMIT_S):
                metrics().queue_refusals.inc()
                raise ApiError(
                    503,
                    f"too many requests wait: this one's turn would come in {wait * 1000:.0f} ms, after its deadline",
                    code="overloaded",
                    retry_after=math.ceil(wait),
                )
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        counters = metrics()
        counters.queue_length.inc()
        try:
            await turn
        except asyncio.CancelledError:  # the client is gone, or has waited for too long
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise
        finally:
            counters.queue_length.dec()
        began = time.perf_counter()
        counters.queue_seconds.observe(began - came)
        return began

    def give(self, began: float) -> None:
        """Ends a turn; the next one begins after the loop has read what came in."""
        took = time.perf_counter() - began
        self.seconds += (took - self.seconds) * (WEIGHT if self.seconds else 1.0)
        asyncio.get_running_loop().call_soon(self._pass_on)

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False
