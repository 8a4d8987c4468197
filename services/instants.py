"""Instants: ISO-8601 text or epoch seconds as µs, checked."""

from __future__ import annotations

from datetime import UTC, datetime

from features.errors import UserError
from services.errors import ApiError

SECOND = 1_000_000


def microseconds(found: float | str | None, field: str, latest: int) -> int | None:
    """µs since 1970 UTC of ISO-8601 text with a zone or of epoch seconds.

    Raises:
        ApiError: it is neither, has no zone, or lies before 1970 or after `latest`.
    """
    if found is None:
        return None
    if isinstance(found, str):
        try:
            instant = datetime.fromisoformat(found)
        except ValueError:
            expected = "ISO-8601 with a zone (2026-01-31T12:00:00Z) or epoch seconds"
            raise ApiError(400, f"{field}: '{found[:40]}' is no instant; expected {expected}", field=field) from None
        if instant.tzinfo is None:
            raise ApiError(400, f"{field}: '{found[:40]}' has no zone; add Z or an offset", field=field)
        gap = instant - datetime(1970, 1, 1, tzinfo=UTC)
        at = (gap.days * 86_400 + gap.seconds) * SECOND + gap.microseconds
    elif abs(found) > 1e12:
        raise ApiError(400, f"{field}: {found} is too large; numbers are epoch seconds, not milliseconds", field=field)
    else:
        at = round(found * SECOND)
    if at < 0:
        raise ApiError(400, f"{field}: {found} lies before 1970", field=field)
    if at > latest:
        hint = "; numbers are epoch seconds, not milliseconds" if not isinstance(found, str) else ""
        raise ApiError(400, f"{field}: {found} lies in the future{hint}", field=field)
    return at


def fixed_instant(text: str) -> int | None:
    """µs of RECOPS_AT; None where it is empty.

    Raises:
        UserError: it is no instant.
    """
    try:
        return microseconds(text, "RECOPS_AT", 1 << 62) if text else None
    except ApiError as error:
        raise UserError(error.message) from None
