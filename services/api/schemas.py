"""What may stand in a request: read with msgspec, every fault answered as 400 with the field named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, TypeVar

import msgspec

from features.events.event_log import NewEvent
from features.fields import EARLIEST_EVENT_US, MAX_ID, MAX_NAME, id_fault, name_fault, trimmed, unwritable, value_fault
from features.privacy.hashed_ids import IdHasher
from services.errors import ApiError
from services.instants import microseconds

MAX_EVENTS = 10_000
# lengths are described here and judged after trimming, by the rules that imports and validation use
Id = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_ID})]
Name = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_NAME})]
Length = Annotated[int, msgspec.Meta(ge=1, le=500)]
Ids = Annotated[list[Id], msgspec.Meta(max_length=10_000)]
S = TypeVar("S", bound=msgspec.Struct)


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    """What is offered at all: items of these categories, at most of this price (an unknown price does not pass)."""

    category: list[Name] | None = None
    price_max: Annotated[float, msgspec.Meta(ge=0)] | None = None


class RecommendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /recommend. `history` replaces what the user is known to have chosen; what they refused stays out.

    `details` adds category, price and picture of each item. `scenario` names the place where the list is shown; it is
    logged with the impressions of releases that draw places (`reranker.explore`), and changes no list.
    """

    user_id: Id
    k: Length = 10
    history: Ids | None = None
    exclude: Ids = []
    filter: Filter | None = None
    explain: bool = False
    details: bool = False
    include_seen: bool = False
    scenario: Name | None = None


class SimilarRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /similar."""

    item_id: Id
    k: Length = 10
    details: bool = False


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


class UsersQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /users: ids that begin with `q`."""

    q: str = ""
    limit: Length = 20


class HistoryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /history."""

    user_id: Id
    limit: Length = 50


class FiltersQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /filters: the largest categories, `limit` of them."""

    limit: Length = 100


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """A request that says nothing but its route."""


class RollbackRequest(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """POST /admin/rollback; one of `from` and `to` is obligatory, so that a request that is sent again changes nothing.

    from: the release to go back from; when it is live no longer, nothing changes. to: the release to bring back;
    without it, the last one that was live before `from`.
    """

    from_: Id | None = None
    to: Id | None = None
    why: Annotated[str, msgspec.Meta(max_length=1000)] = "rolled back over HTTP"


def decode(body: bytes, kind: type[S]) -> S:
    """The request in a body, checked.

    Raises:
        ApiError: 400; `malformed` when it is not JSON, else `invalid` with the field.
    """
    try:
        request: S = _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        message, field = _fault(str(error))
        raise ApiError(400, message, field=field) from None
    except RecursionError:
        raise ApiError(400, "the body is nested too deeply", code="malformed") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body is not JSON: {error}", code="malformed") from None
    _check_texts(request, "")
    return request


def from_query(query: Mapping[str, str], kind: type[S]) -> S:
    """The request in a query string, checked; names that it does not have are passed over.

    Raises:
        ApiError: 400 with the field.
    """
    named = {name: query[name] for name in kind.__struct_encode_fields__ if name in query}
    try:
        request: S = msgspec.convert(named, kind, strict=False)
    except msgspec.ValidationError as error:
        message, field = _fault(str(error))
        raise ApiError(400, message, field=field) from None
    _check_texts(request, "")
    return request


def new_events(request: EventsRequest, latest: int, hasher: IdHasher | None = None) -> list[NewEvent]:
    """The batch for the event log; one bad timestamp (later than `latest` [µs]) or value refuses all of it.

    hasher: of the ids of users, where the data hold hashed ones.
    """
    return [
        NewEvent(
            hasher(event.user_id) if hasher else event.user_id,
            event.item_id,
            event.event,
            timestamp=microseconds(event.timestamp, f"events[{index}].timestamp", EARLIEST_EVENT_US, latest),
            value=_value(event.value, f"events[{index}].value"),
            event_id=event.event_id,
            request_id=event.request_id,
        )
        for index, event in enumerate(request.events)
    ]


@cache
def _decoder(kind: type[S]) -> msgspec.json.Decoder[S]:
    return msgspec.json.Decoder(kind)


_where = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_named = re.compile(r"(?:missing required|contains unknown) field `(?P<name>.*?)`")
_RULES: dict[str, Callable[[str], str | None]] = {
    **dict.fromkeys(("user_id", "item_id", "history", "exclude", "event_id", "request_id", "from", "to"), id_fault),
    **dict.fromkeys(("event", "scenario", "category"), name_fault),
}


def _fault(sentence: str) -> tuple[str, str | None]:
    """msgspec's sentence as ours, and the field: `Expected `int` <= 500 - at `$.k`` → `k: expected an int <= 500`."""
    match = _where.match(sentence)
    path = (match["path"] or "") if match else ""
    what = match["what"] if match else sentence
    field = path.removeprefix("$").removeprefix(".")
    if named := _named.search(what):
        field = f"{field}.{named['name']}" if field else named["name"]
    what = what.replace("`", "'")
    return (f"{field}: {what[:1].lower()}{what[1:]}" if field else what), field or None


def _check_texts(request: msgspec.Struct, within: str) -> None:
    """Trims every text of a request in place and judges it by the rule for its field."""
    for attribute, name in zip(request.__struct_fields__, request.__struct_encode_fields__, strict=True):
        value, field = getattr(request, attribute), f"{within}{name}"
        if isinstance(value, str):
            setattr(request, attribute, checked_text(value, name, field))
        elif isinstance(value, msgspec.Struct):
            _check_texts(value, f"{field}.")
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                if isinstance(entry, str):
                    value[index] = checked_text(entry, name, f"{field}[{index}]")
                else:
                    _check_texts(entry, f"{field}[{index}].")


def checked_text(text: str, name: str, field: str) -> str:
    """A text trimmed. name: the field's own name, which says by which rule it is judged; field: its path in messages.

    Raises:
        ApiError: 400, the rule refuses it.
    """
    text = trimmed(text)
    rule = _RULES.get(name)
    fault = rule(text) if rule else "holds a control character" if unwritable(text) else None
    if fault is not None:
        raise ApiError(400, f"{field}: {fault}", field=field)
    return text


def _value(value: float | None, field: str) -> float | None:
    fault = None if value is None else value_fault(value)
    if fault is not None:
        raise ApiError(400, f"{field}: {value} {fault} that 32 bits hold", field=field)
    return value
