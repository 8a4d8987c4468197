"""The screen: one console for progress and log lines (standard error), and times as people read them."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def screen() -> Console:
    """The console of standard error; NO_COLOR is respected, and lines are never wrapped where nobody watches."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, soft_wrap=not sys.stderr.isatty())


def watched() -> bool:
    """Whether a person watches: standard error is a terminal that can redraw a line."""
    return screen().is_terminal and not screen().is_dumb_terminal


class ScreenHandler(logging.Handler):
    """Log lines above the live line, which stays whole."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            screen().print(self.format(record), soft_wrap=True)
        except Exception:
            self.handleError(record)


def duration(seconds: float, *, whole: bool = False) -> str:
    """`0.4 s`, `12 s`, `4 min 16 s`, `1 h 02 min`; whole: no tenths of a second, for a clock that runs."""
    if seconds < 10 and not whole:
        return f"{seconds:.1f} s"
    n_seconds = int(seconds) if whole else round(seconds)
    if n_seconds < 60:
        return f"{n_seconds} s"
    if n_seconds < 3600:
        return f"{n_seconds // 60} min {n_seconds % 60:02} s"
    return f"{n_seconds // 3600} h {n_seconds % 3600 // 60:02} min"
