"""Instants as senders write them: ISO-8601 text or epoch seconds, as µs, checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from features.messages.field_error import FieldError

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(given: float | str | None, field: str, earliest: int, latest: int) -> int | None:
    """µs since 1970 UTC of ISO-8601 text with a zone or of epoch seconds.

    Raises:
        FieldError: it is neither, has no zone, or lies before `earliest` or after `latest` [µs].
    """
    if given is None:
        return None
    if isinstance(given, str):
        try:
            instant = datetime.fromisoformat(given)
        except ValueError:
            expected = "ISO-8601 with a zone (2026-01-31T12:00:00Z) or epoch seconds"
            raise FieldError(f"{field}: '{given[:40]}' is no instant; expected {expected}", field=field) from None
        if instant.tzinfo is None:
            raise FieldError(f"{field}: '{given[:40]}' has no zone; add Z or an offset", field=field)
        gap = instant - EPOCH
        at = (gap.days * 86_400 + gap.seconds) * SECOND + gap.microseconds
    elif abs(given) > 1e12:
        raise FieldError(f"{field}: {given} is too large; numbers are epoch seconds, not milliseconds", field=field)
    else:
        at = round(given * SECOND)
    hint = "" if isinstance(given, str) else "; numbers are epoch seconds"
    if at < earliest:
        first = EPOCH + timedelta(microseconds=earliest)
        raise FieldError(f"{field}: {given} lies before {first:%Y-%m-%d}{hint}", field=field)
    if at > latest:
        raise FieldError(
            f"{field}: {given} lies in the future{hint}{', not milliseconds' if hint else ''}", field=field
        )
    return at
