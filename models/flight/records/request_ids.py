"""Ids of requests: UUIDs of version 7 (RFC 9562), which carry the instant at which they were made."""

from __future__ import annotations

import os
import re
import time

_FORM = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")


def new_request_id() -> str:
    """32 hexadecimal digits that sort by time; the last 62 bits are random."""
    number = int.from_bytes(os.urandom(10), "big")
    random_a, random_b = number >> 68, number & ((1 << 62) - 1)
    milliseconds = time.time_ns() // 1_000_000
    return f"{milliseconds << 80 | 7 << 76 | random_a << 64 | 2 << 62 | random_b:032x}"


def milliseconds_of(request_id: str) -> int | None:
    """Milliseconds since 1970 UTC at which an id was made; None of an id of another form."""
    return int(request_id[:12], 16) if _FORM.fullmatch(request_id) else None


def is_sampled(request_id: str, share: float) -> bool:
    """Whether an answer is among the recorded share of all; decided by the id's random bits."""
    return share >= 1.0 or int(request_id[-8:], 16) < share * 2**32
