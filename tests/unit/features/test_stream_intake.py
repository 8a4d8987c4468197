"""What a message of a stream holds, and why one is refused."""

from __future__ import annotations

import json

import pytest

from features.privacy.hashed_ids import IdHasher
from features.streams.event_source import StreamMessage
from features.streams.intake import MAX_BYTES, Taken, take
from tests.support.streams import event

NOW = 1_800_000_000_000_000


def taken(body: bytes | object, position: str = "s/1", hasher: IdHasher | None = None) -> Taken:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    result = Taken()
    take(StreamMessage(position, content), NOW, hasher, result)
    return result


def test_one_event_without_an_id_is_named_by_its_position():
    (one,) = taken(event(timestamp=1_700_000_000, value=4.5)).events
    assert (one.event_id, one.user_id, one.item_id, one.event) == ("s/1", "u1", "i1", "click")
    assert (one.timestamp, one.value) == (1_700_000_000_000_000, 4.5)


def test_an_events_own_id_is_kept():
    assert taken(event(event_id="e-7")).events[0].event_id == "e-7"


def test_the_events_of_a_batch_are_named_by_their_place_in_it():
    result = taken({"events": [event(), event(event_id="own"), event()]})
    assert [one.event_id for one in result.events] == ["s/1#0", "own", "s/1#2"]
    assert taken({"events": []}) == Taken()


def test_a_position_that_is_no_id_becomes_a_hash_and_stays_the_same():
    first, second = (taken(event(), position="s/" + "x" * 600).events[0].event_id for _ in range(2))
    assert first == second
    assert first.startswith("stream-")


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (b"hello", "the message is not JSON: ", None),
        (b"", "the message is not JSON: ", None),
        (b"\xff\x00", "the message is not JSON: ", None),
        (b'{"events": ' + b"[" * 100_000, "events: ", "events"),
        (b"[1]", "Expected 'object', got 'array'", None),
        ({"user_id": "u1", "event": "click"}, "item_id: object missing required field 'item_id'", "item_id"),
        (event(user="  "), "user_id: is blank", "user_id"),
        (event(kind="x" * 129), "event: is longer than 128 characters", "event"),
        (event(color="red"), "color: object contains unknown field 'color'", "color"),
        (event(timestamp="yesterday"), "timestamp: 'yesterday' is no instant", "timestamp"),
        (event(timestamp=NOW / 1e6 + 1), "timestamp: 1800000001.0 lies in the future", "timestamp"),
        (event(value=1e39), "value: 1e+39 is no finite number", "value"),
        ({"events": 3}, "events: expected 'array', got 'int'", "events"),
        ({"events": [], "more": 1}, "more: object contains unknown field 'more'", "more"),
    ],
)
def test_what_post_events_refuses_is_refused_with_the_reason(body, reason, field):
    result = taken(body)
    assert result.events == []
    (refusal,) = result.refusals
    assert refusal.reason.startswith(reason)
    assert (refusal.field, refusal.position) == (field, "s/1")


def test_a_message_that_is_too_large_is_refused_unread():
    (refusal,) = taken(b" " * (MAX_BYTES + 1)).refusals
    assert refusal.reason == "the message has 4194305 bytes, expected at most 4194304"


def test_one_bad_event_of_a_batch_does_not_refuse_the_others():
    result = taken({"events": [event(item="i1"), event(user="null"), event(item="i3")]})
    assert [one.item_id for one in result.events] == ["i1", "i3"]
    (refusal,) = result.refusals
    assert refusal.position == "s/1#1"
    assert json.loads(refusal.body) == event(user="null")


def test_users_are_hashed_and_nothing_plain_is_kept_of_what_is_refused():
    hasher = IdHasher("a key of more than 16 characters")
    assert taken(event(user="bob@example.com"), hasher=hasher).events[0].user_id == hasher("bob@example.com")
    bad_time = event(user=" Bob@example.com ", timestamp="soon", email="bob@example.com")
    (refusal,) = taken(bad_time, hasher=hasher).refusals
    assert refusal.user_id == hasher("bob@example.com")
    assert b"example.com" not in refusal.body
    (unreadable,) = taken(b"bob@example.com bought i1", hasher=hasher).refusals
    assert b"example.com" not in unreadable.body
    assert unreadable.body.startswith(b"(25 bytes, sha256 ")
