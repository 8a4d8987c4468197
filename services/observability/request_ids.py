"""The id of the request that is being answered, and what its log line will say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

HEADER = b"x-request-id"
ACCEPTED = re.compile(rb"[A-Za-z0-9._:=+/-]{1,128}")  # nothing in it can end a line or a header

_facts: ContextVar[dict[str, Any] | None] = ContextVar("facts of the request that is being answered", default=None)


def begin(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
    """Facts of a request, `request_id` the first: what its X-Request-Id says, or a new one where it says none that may
    stand in a log. The task that answers shares them."""
    given = next((value for name, value in headers if name == HEADER), b"")
    request_id = given.decode() if ACCEPTED.fullmatch(given) else os.urandom(16).hex()
    facts: dict[str, Any] = {"request_id": request_id}
    _facts.set(facts)
    return facts


def note(**facts: Any) -> None:
    """Adds facts to the line that is logged of this request."""
    noted = _facts.get()
    if noted is not None:
        noted.update(facts)


def current_request_id() -> str | None:
    """The id of the request that this task answers; threads do not see it."""
    facts = _facts.get()
    return facts["request_id"] if facts else None
