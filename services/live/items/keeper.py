"""Keeper: a thread that lets the live release grow by items as soon as they are posted or encoded, and by what it has
learned."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from features.events.database import DatabaseError
from features.resilience.repeats import RepeatLogger
from services.live.items.growth import Grown, Growth, Mark
from services.live.items.live_items import LiveItems
from services.live.items.text_vectors import TextVectors

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

IDLE_S = 0.5
WAITING_S = 0.03  # between two looks for a vector


class GrowsByItems(Protocol):
    """A served release that can be replaced by a grown one."""

    @property
    def items(self) -> LiveItems: ...
    @property
    def growth(self) -> Growth: ...
    @property
    def vectors(self) -> TextVectors | None: ...
    @property
    def mark(self) -> Mark: ...


class Keeper:
    """answering: the releases that answer, the live one first; replace: puts a grown form in the place of one, if it
    still answers; wanted: called when items wait for a vector."""

    def __init__(
        self,
        answering: Callable[[], Sequence[GrowsByItems]],
        replace: Callable[[GrowsByItems, Grown], None],
        wanted: Callable[[], None],
    ) -> None:
        self._answering, self._replace, self._wanted = answering, replace, wanted
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="items", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def keep_up(self) -> bool:
        """Takes in what is new; whether items still wait for their vectors."""
        waits = [self._keep_up(serving) for serving in self._answering()]
        return any(waits)

    def _keep_up(self, serving: GrowsByItems) -> bool:
        serving.items.follow()
        serving.items.changed.clear()
        vectors = serving.vectors.of(serving.items, queue=True) if serving.vectors is not None else {}
        if serving.growth.mark(vectors) != serving.mark:
            self._replace(serving, serving.growth.grown(vectors))
        waits = serving.vectors is not None and serving.vectors.n_waiting(serving.items, vectors) > 0
        if waits:
            self._wanted()
        return waits

    def _run(self) -> None:
        waits = False
        while not self._ended.is_set():
            answering = self._answering()
            if waits or not answering:
                self._ended.wait(WAITING_S if waits else IDLE_S)
            else:
                answering[0].items.changed.wait(IDLE_S)
            try:
                waits = self.keep_up()
            except DatabaseError as error:
                repeats.warning("new items are not taken in: %s", error)
                self._ended.wait(IDLE_S)
            except Exception as error:
                repeats.exception("new items are not taken in: %s", error)
                self._ended.wait(IDLE_S)
