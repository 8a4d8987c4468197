"""Instants: ISO-8601 text or epoch seconds as µs, checked, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from features.errors import UserError
from features.fields import EARLIEST_EVENT_US
from services.errors import ApiError

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(given: float | str | None, field: str, earliest: int, latest: int) -> int | None:
    """µs since 1970 UTC of ISO-8601 text with a zone or of epoch seconds.

    Raises:
        ApiError: it is neither, has no zone, or lies before `earliest` or after `latest` [µs].
    """
    if given is None:
        return None
    if isinstance(given, str):
        try:
            instant = datetime.fromisoformat(given)
        except ValueError:
            expected = "ISO-8601 with a zone (2026-01-31T12:00:00Z) or epoch seconds"
            raise ApiError(400, f"{field}: '{given[:40]}' is no instant; expected {expected}", field=field) from None
        if instant.tzinfo is None:
            raise ApiError(400, f"{field}: '{given[:40]}' has no zone; add Z or an offset", field=field)
        gap = instant - EPOCH
        at = (gap.days * 86_400 + gap.seconds) * SECOND + gap.microseconds
    elif abs(given) > 1e12:
        raise ApiError(400, f"{field}: {given} is too large; numbers are epoch seconds, not milliseconds", field=field)
    else:
        at = round(given * SECOND)
    hint = "" if isinstance(given, str) else "; numbers are epoch seconds"
    if at < earliest:
        first = EPOCH + timedelta(microseconds=earliest)
        raise ApiError(400, f"{field}: {given} lies before {first:%Y-%m-%d}{hint}", field=field)
    if at > latest:
        raise ApiError(
            400, f"{field}: {given} lies in the future{hint}{', not milliseconds' if hint else ''}", field=field
        )
    return at


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
    except ApiError as error:
        raise UserError(error.message) from None
