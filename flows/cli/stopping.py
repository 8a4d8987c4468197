"""Stopping by Ctrl-C: the command ends in words and with exit code 130, whatever a library makes of it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

INTERRUPTED = 130
PATIENCE_S = 10.0  # for what a library does after Ctrl-C, such as telling a server that may be gone
LAST_WORDS_S = 3.0  # and for what it does when the interpreter ends


class StoppedError(Exception):
    """A person stopped the command; the message says what is left and how to go on. Exit code 130."""


@contextmanager
def stoppable(sentence: str) -> Iterator[None]:
    """Around work that Ctrl-C may stop; sentence: what is left then, and how to go on.

    What has not ended `PATIENCE_S` after Ctrl-C is ended: a command may be killed at any instant without a loss.

    Raises:
        StoppedError: it was stopped.
    """
    message, interrupted = f"stopped, {sentence}", threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not interrupted.is_set():
            interrupted.set()
            logging.disable()  # what libraries say of the interruption is no news to who caused it
            timer = threading.Timer(PATIENCE_S, _end_at_once, [message])
            timer.daemon = True
            timers.append(timer)
            timer.start()
        signal.default_int_handler(number, frame)

    timers: list[threading.Timer] = []
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, interrupt) if in_main_thread else None
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        raise StoppedError(message) from None
    except Exception:
        if interrupted.is_set():  # what a library raised because of it
            raise StoppedError(message) from None
        raise
    finally:
        for timer in timers:
            timer.cancel()
        if in_main_thread:
            signal.signal(signal.SIGINT, before)


def end_soon() -> None:
    """Ends this process and those that it started, when the interpreter takes too long to end."""
    timer = threading.Timer(LAST_WORDS_S, _end_at_once, [""])
    timer.daemon = True
    timer.start()


def _end_at_once(message: str) -> None:
    """Ends the processes that this one started, says why, and ends this one."""
    from flows.orchestration.processes import descendants
    from flows.terminal.screen import screen

    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
    screen().show_cursor(True)
    if message:
        sys.stderr.write(f"\r\x1b[2K{message}\n" if sys.stderr.isatty() else f"{message}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
