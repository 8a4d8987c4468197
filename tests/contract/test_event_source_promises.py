"""What every broker's source promises: at least once, in batches, alike at each delivery."""

from __future__ import annotations

import time

import pytest

from features.streams.event_source import SourceError
from features.streams.opening import open_source
from tests.support.streams import bodies, event


def drained(source, n_messages, limit=100):
    """Fetches until that many messages have come; fails after 20 s."""
    messages, deadline = [], time.monotonic() + 20
    while len(messages) < n_messages:
        assert time.monotonic() < deadline, f"{len(messages)} of {n_messages} messages came"
        messages += source.fetch(limit, 0.5)
    return messages


def test_gives_each_message_once_in_batches_of_at_most_the_limit(broker):
    sent = bodies(event(item=f"i{n}") for n in range(7))
    broker.publish(sent)
    source = open_source(broker.url)
    messages = drained(source, 1, limit=3)
    assert 1 <= len(messages) <= 3
    messages += drained(source, 7 - len(messages), limit=3)
    assert sorted(message.body for message in messages) == sorted(sent)
    assert len({message.position for message in messages}) == 7
    source.acknowledge(messages)
    assert source.fetch(3, 0.1) == []
    source.close()


def test_what_was_not_acknowledged_comes_again_at_the_same_position(broker):
    broker.publish(bodies(event(item=f"i{n}") for n in range(4)))
    first = open_source(broker.url)
    messages = drained(first, 4)
    first.acknowledge(messages[:2])
    first.close()
    second = open_source(broker.url)
    again = drained(second, 2)
    assert [message.position for message in again] == [message.position for message in messages[2:]]
    assert [message.body for message in again] == [message.body for message in messages[2:]]
    second.acknowledge(again)
    assert second.fetch(10, 0.1) == []
    second.close()


def test_a_message_that_is_no_json_or_empty_is_given_like_any_other(broker):
    broker.publish([b"\xff\xfe", b"", b"{}"])
    source = open_source(broker.url)
    assert sorted(message.body for message in drained(source, 3)) == [b"", b"{}", b"\xff\xfe"]
    source.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:9/0?stream=s&group=g",
        "nats://127.0.0.1:9?stream=s&subject=s&durable=g",
        pytest.param("kafka://127.0.0.1:9/s?group=g&socket.connection.setup.timeout.ms=1000", marks=pytest.mark.soak),
    ],
)
def test_a_broker_that_is_away_is_a_source_error(url, monkeypatch):
    monkeypatch.setattr("features.streams.brokers.kafka_topic.ANSWER_S", 1.0)
    source = open_source(url)
    with pytest.raises(SourceError):
        source.fetch(1, 0.1)
    source.close()
