"""Events as senders write them, checked: one rule for every door (POST /events, streams)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from features.events.event_log import NewEvent
from features.fields import EARLIEST_EVENT_US, value_fault
from features.messages.decoding import Id, Name
from features.messages.field_error import FieldError
from features.messages.instants import microseconds
from features.privacy.hashed_ids import IdHasher

MAX_EVENTS = 10_000


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


def new_event(event: EventBody, latest: int, hasher: IdHasher | None = None, within: str = "") -> NewEvent:
    """One decoded event for the event log.

    latest: the latest instant [µs] that it may claim; hasher: of the ids of users, where the data hold hashed ones;
    within: its path in the message, with the dot that follows, for messages.

    Raises:
        FieldError: its timestamp or value is refused.
    """
    return NewEvent(
        hasher(event.user_id) if hasher else event.user_id,
        event.item_id,
        event.event,
        timestamp=microseconds(event.timestamp, f"{within}timestamp", EARLIEST_EVENT_US, latest),
        value=_value(event.value, f"{within}value"),
        event_id=event.event_id,
        request_id=event.request_id,
    )


def new_events(request: EventsRequest, latest: int, hasher: IdHasher | None = None) -> list[NewEvent]:
    """The batch for the event log; one bad timestamp (later than `latest` [µs]) or value refuses all of it.

    Raises:
        FieldError: with the field of the first fault.
    """
    return [new_event(event, latest, hasher, f"events[{index}].") for index, event in enumerate(request.events)]


def _value(value: float | None, field: str) -> float | None:
    fault = None if value is None else value_fault(value)
    if fault is not None:
        raise FieldError(f"{field}: {value} {fault} that 32 bits hold", field=field)
    return value
