"""What a message holds: events for the log, and what is refused with the reason, as POST /events refuses it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from features.events.event_log import NewEvent
from features.events.incoming import MAX_EVENTS, EventBody, new_event
from features.fields import id_fault, trimmed
from features.messages.decoding import decode
from features.messages.field_error import FieldError
from features.privacy.hashed_ids import IdHasher
from features.streams.event_source import StreamMessage

MAX_BYTES = 4 << 20  # as a body of POST /events
_NOUN = "the message"


@dataclass(frozen=True)
class Refusal:
    """A message, or one event of it, that cannot be recorded. user_id: as stored, where it could be read."""

    position: str
    reason: str
    field: str | None
    body: bytes
    user_id: str | None = None


@dataclass
class Taken:
    """What one or several messages hold."""

    events: list[NewEvent] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    events: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MAX_EVENTS)]


def take(message: StreamMessage, latest: int, hasher: IdHasher | None, taken: Taken) -> None:
    """Adds what a message holds: one event, or `{"events": […]}`, of which each is judged alone.

    An event without an `event_id` gets one from its place in the stream, so that a second delivery is recognized.
    latest: the latest instant [µs] that an event may claim; hasher: where the data hold hashed ids of users.
    """
    if len(message.body) > MAX_BYTES:
        reason = f"{_NOUN} has {len(message.body)} bytes, expected at most {MAX_BYTES}"
        taken.refusals.append(_refusal(message.position, FieldError(reason), message.body, hasher))
        return
    try:
        parts = _parts(message)
    except FieldError as error:
        taken.refusals.append(_refusal(message.position, error, message.body, hasher))
        return
    for position, body in parts:
        try:
            event = decode(body, EventBody, noun=_NOUN)
            if event.event_id is None:
                event.event_id = event_id_at(position)
            taken.events.append(new_event(event, latest, hasher))
        except FieldError as error:
            taken.refusals.append(_refusal(position, error, body, hasher))


def event_id_at(position: str) -> str:
    """The id of an event whose sender gave none: its position, or a hash of one that is no id."""
    if id_fault(position) is None:
        return position
    return f"stream-{hashlib.sha256(position.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _parts(message: StreamMessage) -> list[tuple[str, bytes]]:
    """Position and JSON of each event."""
    if b'"events"' not in message.body:
        return [(message.position, message.body)]
    try:
        named = msgspec.json.decode(message.body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return [(message.position, message.body)]
    if "events" not in named:
        return [(message.position, message.body)]
    batch = decode(message.body, _Batch, noun=_NOUN)
    return [(f"{message.position}#{index}", bytes(event)) for index, event in enumerate(batch.events)]


def _refusal(position: str, error: FieldError, body: bytes, hasher: IdHasher | None) -> Refusal:
    try:
        content: Any = msgspec.json.decode(body) if len(body) <= MAX_BYTES else None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        content = None
    user_id = content.get("user_id") if isinstance(content, dict) else None
    user_id = trimmed(user_id) if isinstance(user_id, str) else None
    if hasher is None:
        return Refusal(position, error.message, error.field, body, user_id)
    return Refusal(position, error.message, error.field, *_without_plain_ids(content, body, hasher))


def _without_plain_ids(content: Any, body: bytes, hasher: IdHasher) -> tuple[bytes, str | None]:
    """What may be kept of a body where ids are hashed, and the user's id: fields of events, the id as its hash.

    Of everything else, which may hold an e-mail anywhere, length and digest are kept.
    """
    if not isinstance(content, dict):
        digest = hashlib.sha256(body).hexdigest()
        return f"({len(body)} bytes, sha256 {digest}; not kept, ids are hashed)".encode(), None
    fields = {name: value for name, value in content.items() if name in EventBody.__struct_fields__}
    user_id = fields.pop("user_id", None)
    if isinstance(user_id, str):
        fields["user_id"] = user_id = hasher(trimmed(user_id))
    return msgspec.json.encode(fields), user_id if isinstance(user_id, str) else None
