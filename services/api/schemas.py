"""What may stand in a request: read with msgspec, every fault answered as 400 with the field named."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any, TypeVar

import msgspec

from features.events.event_log import NewEvent
from services.errors import ApiError
from services.instants import SECOND, microseconds

SKEW_S = 300  # a sender's clock may be this early; the event then counts as of its arrival
MAX_EVENTS = 10_000
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Length = Annotated[int, msgspec.Meta(ge=1, le=500)]
Ids = Annotated[list[Id], msgspec.Meta(max_length=10_000)]
S = TypeVar("S", bound=msgspec.Struct)


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    """What is offered at all: items of these categories, at most of this price (an unknown price does not pass)."""

    category: list[Name] | None = None
    price_max: Annotated[float, msgspec.Meta(ge=0)] | None = None


class RecommendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /recommend. `history` replaces what is known of the user; `scenario` is echoed into the log of answers."""

    user_id: Id
    k: Length = 10
    history: Ids | None = None
    exclude: Ids = []
    filter: Filter | None = None
    explain: bool = False
    include_seen: bool = False
    scenario: Name | None = None


class SimilarRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /similar."""

    item_id: Id
    k: Length = 10


class EventBody(msgspec.Struct, forbid_unknown_fields=True):
    """One event of POST /events."""

    user_id: Id
    item_id: Id
    event: Name
    event_id: Id | None = None
    timestamp: int | float | str | None = None
    value: float | None = None
    request_id: Id | None = None


class EventsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /events."""

    events: Annotated[list[EventBody], msgspec.Meta(max_length=MAX_EVENTS)]


class RollbackRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /admin/rollback."""

    why: Annotated[str, msgspec.Meta(max_length=1000)] = "rolled back over HTTP"


def decode(body: bytes, kind: type[S]) -> S:
    """The request, checked.

    Raises:
        ApiError: 400; `malformed` when it is not JSON, else `invalid` with the field.
    """
    try:
        found: S = _decoders[kind].decode(body)
    except msgspec.ValidationError as error:
        message, field = _fault(str(error))
        raise ApiError(400, message, field=field) from None
    except RecursionError:
        raise ApiError(400, "the body is nested too deeply", code="malformed") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body is not JSON: {error}", code="malformed") from None
    _check_texts(msgspec.to_builtins(found), "")
    return found


def new_events(request: EventsRequest) -> list[NewEvent]:
    """The batch for the event log; one bad timestamp or value refuses all of it."""
    latest = time.time_ns() // 1000 + SKEW_S * SECOND
    return [
        NewEvent(
            event.user_id,
            event.item_id,
            event.event,
            timestamp=microseconds(event.timestamp, f"events[{index}].timestamp", latest),
            value=event.value,
            event_id=event.event_id,
            request_id=event.request_id,
        )
        for index, event in enumerate(request.events)
    ]


_decoders: dict[type[Any], Any] = {
    kind: msgspec.json.Decoder(kind) for kind in (RecommendRequest, SimilarRequest, EventsRequest, RollbackRequest)
}
_where = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_named = re.compile(r"(?:missing required|contains unknown) field `(?P<name>.*?)`")
_unwritable = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _fault(said: str) -> tuple[str, str | None]:
    """msgspec's sentence as ours, and the field: `Expected `int` <= 500 - at `$.k`` → `k: expected an int <= 500`."""
    match = _where.match(said)
    path = (match["path"] or "") if match else ""
    what = match["what"] if match else said
    field = path.removeprefix("$").removeprefix(".")
    if named := _named.search(what):
        field = f"{field}.{named['name']}" if field else named["name"]
    what = what.replace("`", "'")
    return (f"{field}: {what[:1].lower()}{what[1:]}" if field else what), field or None


def _check_texts(found: Any, field: str) -> None:
    """Texts hold no control characters: they become keys of stores and lines of logs."""
    if isinstance(found, str):
        if _unwritable.search(found):
            raise ApiError(400, f"{field}: holds a control character; remove it", field=field)
    elif isinstance(found, dict):
        for name, value in found.items():
            _check_texts(value, f"{field}.{name}" if field else str(name))
    elif isinstance(found, list):
        for index, value in enumerate(found):
            _check_texts(value, f"{field}[{index}]")
