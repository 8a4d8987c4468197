"""Activity: what a command is doing right now, on one live line that shows its newest log line and the time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flows.orchestration.server import OUR_LOGGERS
from flows.terminal.screen import duration, screen, watched


class _Newest(logging.Handler):
    """Keeps the newest line of our packages."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = " ".join(record.getMessage().split())


@contextmanager
def activity(what: str, *, verbose: bool = False, silent: bool = False) -> Iterator[None]:
    """Around work that takes longer than a person waits without a word.

    what: in the form `releasing`; verbose: the log lines are printed by themselves, so no live line is shown; silent:
    nothing is shown. Where nobody watches, the lines of the log are printed as they come with `verbose`, else nothing.
    """
    if verbose or silent or not watched():
        yield
        return
    from rich.live import Live
    from rich.text import Text

    newest, started = _Newest(), time.monotonic()
    loggers = [logging.getLogger(name) for name in OUR_LOGGERS]

    def line() -> Text:
        detail = f"  {newest.text}" if newest.text else ""
        text = f"  {what} … {duration(time.monotonic() - started, whole=True)}{detail}"
        return Text(text, style="cyan", no_wrap=True, overflow="ellipsis")

    for logger in loggers:
        logger.addHandler(newest)
    try:
        with Live(console=screen(), get_renderable=line, refresh_per_second=4, transient=True, redirect_stdout=False):
            yield
    finally:
        for logger in loggers:
            logger.removeHandler(newest)
