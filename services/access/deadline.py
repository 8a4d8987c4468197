"""The deadline of a request: until when its answer is to be there, counted from its arrival."""

from __future__ import annotations

import time
from contextvars import ContextVar

from services.access.answer import Scope
from services.access.origin import values_of
from services.errors import ApiError

ARRIVED = "recops.arrived"  # in a scope: when its head was there (connection.py notes it), on the clock of perf_counter
DEADLINE = "recops.deadline"  # in a scope: until when it is to be answered, on the same clock
HEADER = "X-Recops-Deadline-Ms"
MAX_MS = 60_000

_current: ContextVar[float | None] = ContextVar("deadline of the request that is being answered", default=None)


def set_deadline(scope: Scope, default_ms: int) -> float:
    """Notes a request's deadline, an instant of `time.perf_counter`, in its scope and for `current_deadline`.

    default_ms: where the request names none in X-Recops-Deadline-Ms.

    Raises:
        ApiError: 400, the header is no whole number from 1 to 60000, or is there twice.
    """
    milliseconds, given = default_ms, values_of(scope["headers"], HEADER.lower().encode())
    if given:
        text = given[0]
        milliseconds = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
        if len(given) > 1 or not 1 <= milliseconds <= MAX_MS:
            shown = f"'{text[:20]}'" if len(given) == 1 else f"{len(given)} of them"
            raise ApiError(
                400, f"{HEADER}: found {shown}; expected one whole number of milliseconds, 1 to {MAX_MS}", field=HEADER
            )
    deadline: float = scope.get(ARRIVED, time.perf_counter()) + milliseconds / 1000
    scope[DEADLINE] = deadline
    _current.set(deadline)
    return deadline


def deadline_of(scope: Scope) -> float | None:
    """The deadline in a scope, an instant of `time.perf_counter`; None where no gate has set one."""
    deadline: float | None = scope.get(DEADLINE)
    return deadline


def current_deadline() -> float | None:
    """The deadline of the request that is being answered, also in the thread of `Runtime.ask`; None outside of one."""
    return _current.get()
