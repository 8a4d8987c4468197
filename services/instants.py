"""Instants as ISO-8601 text, and the fixed one of a replay."""

from __future__ import annotations

from datetime import timedelta

from features.errors import UserError
from features.fields import EARLIEST_EVENT_US
from features.messages.field_error import FieldError
from features.messages.instants import EPOCH, SECOND, microseconds

__all__ = ["SECOND"]


def known_instant(at: int | None) -> int | None:
    """µs of an instant that something happened at; None of an artificial time, a mere order counted from 1970."""
    return at if at is not None and at >= EARLIEST_EVENT_US else None


def iso(at: int) -> str:
    """ISO-8601 UTC of µs since 1970."""
    return (EPOCH + timedelta(microseconds=at)).isoformat()


def iso_if_known(at: int | None) -> str | None:
    """ISO-8601 UTC of an instant that something happened at; None where that is not known."""
    instant = known_instant(at)
    return None if instant is None else iso(instant)


def fixed_instant(text: str) -> int | None:
    """µs of RECOPS_AT; None where it is empty.

    Raises:
        UserError: it is no instant.
    """
    try:
        return microseconds(text, "RECOPS_AT", 0, 1 << 62) if text else None
    except FieldError as error:
        raise UserError(error.message) from None
