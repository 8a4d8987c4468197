"""An app whose requests have no time left when they come."""

from __future__ import annotations

import time

from services.access.deadline import ARRIVED


class Delayed:
    """Hands on requests that arrived ten seconds ago."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        await self.app({**scope, ARRIVED: time.perf_counter() - 10}, receive, send)
