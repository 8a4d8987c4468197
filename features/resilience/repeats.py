"""Rate-limited logging: at most one line of a kind a minute, with the number of suppressed lines."""

from __future__ import annotations

import logging
import threading
import time

EVERY_S = 60.0
_MOST_KEYS = 256


class RepeatLogger:
    """Writes to a logger at most one line of a kind a minute; a kind is the message before its values are filled in."""

    def __init__(self, logger: logging.Logger, every_s: float = EVERY_S) -> None:
        self._logger, self._every_s = logger, every_s
        self._lock = threading.Lock()
        self._last: dict[str, tuple[float, int]] = {}

    def warning(self, message: str, *values: object) -> None:
        """One line, or none."""
        self._log(logging.WARNING, message, values, trace=False)

    def exception(self, message: str, *values: object) -> None:
        """Logs an unexpected exception: the first line of its kind has the traceback, later ones do not."""
        self._log(logging.ERROR, message, values, trace=True)

    def _log(self, level: int, message: str, values: tuple[object, ...], *, trace: bool) -> None:
        now = time.monotonic()
        with self._lock:
            last, n_left_out = self._last.get(message, (float("-inf"), 0))
            if now - last < self._every_s:
                self._last[message] = (last, n_left_out + 1)
                return
            first = message not in self._last
            if first and len(self._last) >= _MOST_KEYS:
                self._last.pop(next(iter(self._last)))
            self._last[message] = (now, 0)
        if n_left_out:
            message, values = f"{message} (and %d more since the last such line)", (*values, n_left_out)
        self._logger.log(level, message, *values, exc_info=trace and first)
