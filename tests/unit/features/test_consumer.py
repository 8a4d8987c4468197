"""The consumer: each message once, poison aside, nothing acknowledged while the database is away."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from features.errors import UserError
from features.events.database import Patience
from features.events.event_log import EventLog
from features.streams.consumer import Consumer
from features.streams.dead_letters import DeadLetters
from features.streams.opening import open_source
from tests.support.faulty import Wire
from tests.support.streams import ROOT, NatsBroker, RedisBroker, bodies, event
from tests.support.waiting import wait_for


@pytest.fixture
def log(tmp_path):
    with closing(EventLog(f"sqlite:///{tmp_path / 'events.db'}", patience=Patience(write_s=0.2))) as opened:
        yield opened


@contextmanager
def running(*consumers: Consumer) -> Iterator[None]:
    """Consumers in threads; however the test ends, they have ended before their log is closed."""
    threads = [threading.Thread(target=consumer.run) for consumer in consumers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for consumer in consumers:
            consumer.stop()
        for thread in threads:
            thread.join()


def consume(url, log, **options) -> Consumer:
    with closing(open_source(url)) as source:
        consumer = Consumer(source, log, DeadLetters(log.database), **options)
        consumer.run(until_empty=True)
    return consumer


def test_messages_become_events_once_and_poison_blocks_nothing(broker, log):
    batch = b'{"events": [' + b", ".join(bodies([event(item="i2"), event(item=" ")])) + b"]}"
    broker.publish([b"poison", *bodies([event(item="i1", event_id="e1")]), batch, *bodies([event(item="i3")])])
    consumer = consume(broker.url, log)
    broker.publish(bodies([event(item="i1", event_id="e1"), event(item="i4")]))
    again = consume(broker.url, log)
    assert sorted(recorded.item_id for recorded in log.read()) == ["i1", "i2", "i3", "i4"]
    assert (consumer.counts.messages, consumer.counts.events, consumer.counts.dead_letters) == (4, 3, 2)
    assert (again.counts.messages, again.counts.events, again.counts.duplicates) == (2, 1, 1)
    reasons = sorted(letter.reason for letter in DeadLetters(log.database).letters())
    assert [reason.partition(":")[0] for reason in reasons] == ["item_id", "the message is not JSON"]


def test_a_kafka_topic_is_consumed():
    """In a process of its own: the broker for tests inside the client is no part of what is tested."""
    pytest.importorskip("confluent_kafka", reason="the Kafka client is not installed (recops[kafka])")
    done = subprocess.run([sys.executable, "-m", "tests.support.kafka_topic"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "3 messages consumed: 2 events recorded, 0 repeated, 1 dead letters\n", done.stderr


def test_a_message_that_comes_again_after_its_commit_is_recorded_once(broker, log):
    broker.publish([*bodies([event(), event(item="i2")]), b"poison"])
    with closing(open_source(broker.url)) as source:
        consumer = Consumer(source, log, DeadLetters(log.database))
        source.acknowledge = lambda messages: consumer.stop()  # killed between commit and acknowledgment
        consumer.run(until_empty=True)
    deadline = time.monotonic() + 20
    while (again := consume(broker.url, log)).counts.messages == 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (again.counts.events, again.counts.dead_letters) == (0, 0)
    assert again.counts.duplicates >= 2
    assert log.count() == 2
    assert DeadLetters(log.database).count() == 1


def test_a_database_that_is_away_is_waited_for_and_nothing_is_acknowledged(broker, log, tmp_path):
    log.count()  # makes the tables
    broker.publish(bodies([event(), event(item="i2")]))
    with closing(open_source(broker.url)) as source, closing(sqlite3.connect(tmp_path / "events.db")) as blocker:
        acknowledged: list[str] = []
        acknowledge = source.acknowledge
        source.acknowledge = lambda messages: acknowledged.extend(m.position for m in messages) or acknowledge(messages)
        consumer = Consumer(source, log, DeadLetters(log.database))
        blocker.execute("begin immediate")
        with running(consumer):
            assert wait_for(lambda: consumer.counts.outages == 1, 60)
            assert (consumer.counts.events, acknowledged) == (0, [])
            blocker.rollback()
            assert wait_for(lambda: consumer.counts.events == 2, 60)
        assert len(acknowledged) == 2


@pytest.mark.parametrize("name", ["redis", "nats"])
def test_a_broker_that_is_away_is_waited_for(name, request, log):
    wire = Wire(request.getfixturevalue(f"{name}_url"))
    url = wire.url.replace("root@", "")
    broker = RedisBroker(url) if name == "redis" else NatsBroker(url)
    broker.publish(bodies(event(item=f"i{n}") for n in range(50)))
    with closing(open_source(broker.url)) as source:
        consumer = Consumer(source, log, DeadLetters(log.database))
        with running(consumer):
            assert wait_for(lambda: log.count() == 50, 60)
            wire.cut()
            assert wait_for(lambda: consumer.counts.outages == 1, 60)
            wire.mend()
            broker.publish(bodies(event(item=f"i{n}") for n in range(50, 100)))
            assert wait_for(lambda: log.count() >= 100, 60)
    assert sorted(one.item_id for one in log.read()) == sorted(f"i{n}" for n in range(100))
    broker.close()
    wire.cut()


def test_a_postgresql_that_goes_silent_is_waited_for(redis_url, postgres_url):
    wire, broker = Wire(postgres_url), RedisBroker(redis_url)
    with (
        closing(EventLog(wire.url, patience=Patience(read_s=0.5, write_s=0.5))) as log,
        closing(open_source(broker.url)) as source,
    ):
        consumer = Consumer(source, log, DeadLetters(log.database))
        log.count()
        wire.silence()
        broker.publish(bodies([event(), event(item="i2")]))
        with running(consumer):
            assert wait_for(lambda: consumer.counts.outages == 1, 60)
            assert broker.client.xpending(broker.stream, "g")["pending"] == 2
            wire.cut()
            wire.mend()
            assert wait_for(lambda: consumer.counts.events == 2, 60)
        assert broker.client.xpending(broker.stream, "g")["pending"] == 0
    broker.close()
    wire.cut()


def test_stopping_while_the_database_is_away_ends_and_acknowledges_nothing(redis_url, log, tmp_path):
    log.count()
    broker = RedisBroker(redis_url)
    broker.publish(bodies([event()]))
    with closing(open_source(broker.url)) as source, closing(sqlite3.connect(tmp_path / "events.db")) as blocker:
        blocker.execute("begin immediate")
        consumer = Consumer(source, log, DeadLetters(log.database))
        with running(consumer):
            assert wait_for(lambda: consumer.counts.outages == 1, 60)
    assert broker.client.xpending(broker.stream, "g")["pending"] == 1
    broker.close()


def test_large_messages_make_the_next_batches_smaller(redis_url, log, monkeypatch):
    monkeypatch.setattr("features.streams.consumer.IN_MEMORY", 2_000)
    broker = RedisBroker(redis_url)
    broker.publish(bodies(event(item="x" * 400) for _ in range(12)))  # some 450 bytes each: four are 2,000
    sizes = []
    with closing(open_source(broker.url)) as source:
        fetch = source.fetch
        source.fetch = lambda limit, wait_s: sizes.append(limit) or fetch(limit, wait_s)
        Consumer(source, log, DeadLetters(log.database), batch=8).run(until_empty=True)
    assert sizes[0] == 8
    assert set(sizes[1:]) == {4}
    assert log.count() == 12
    broker.close()


def test_fields_of_a_redis_entry_are_an_event(redis_url, log):
    broker = RedisBroker(redis_url)
    broker.client.xadd(broker.stream, {"user_id": "u1", "item_id": "7", "event": "rate", "value": "4.5"})
    broker.client.xadd(broker.stream, {"user_id": "u1", "item_id": b"\xff", "event": "rate"})
    consumer = consume(broker.url, log)
    assert [(one.item_id, one.value) for one in log.read()] == [("7", 4.5)]
    assert consumer.counts.dead_letters == 1
    broker.close()


def test_a_consumer_leaves_the_group_when_it_ends_unless_something_is_pending(redis_url):
    broker = RedisBroker(redis_url)
    broker.publish(bodies([event(), event(item="i2")]))
    first, second = open_source(broker.url), open_source(broker.url)
    first.acknowledge(first.fetch(1, 0.1))
    assert len(second.fetch(1, 0.1)) == 1
    first.close()
    second.close()
    (left,) = broker.client.xinfo_consumers(broker.stream, "g")
    assert left["pending"] == 1
    broker.close()


def test_consumers_of_one_group_share_a_stream(broker, log):
    broker.publish(bodies(event(item=f"i{n}") for n in range(600)))
    with closing(open_source(broker.url)) as one, closing(open_source(broker.url)) as other:
        consumers = [Consumer(source, log, DeadLetters(log.database), batch=20) for source in (one, other)]
        with running(*consumers):
            assert wait_for(lambda: log.count() >= 600, 60)
    assert sum(consumer.counts.events for consumer in consumers) == 600
    assert len({recorded.item_id for recorded in log.read()}) == log.count() == 600


def test_a_stream_that_vanishes_is_read_again_when_it_is_back(redis_url, log):
    broker = RedisBroker(redis_url)
    broker.publish(bodies([event()]))
    with closing(open_source(broker.url)) as source:
        assert len(source.fetch(10, 0.1)) == 1
        broker.client.delete(broker.stream)
        assert source.fetch(10, 0.1) == []
        broker.publish(bodies([event(item="i2")]))
        assert len(source.fetch(10, 0.1)) == 1
    broker.close()


def test_a_stream_that_is_not_there_is_the_callers_mistake(nats_url, redis_url, log):
    with pytest.raises(UserError, match="there is no stream 'missing'; make it"):
        consume(f"{nats_url}?stream=missing&subject=a&durable=g", log)
    import redis

    redis.Redis.from_url(redis_url).set("recops-test-text", "x", ex=60)
    with pytest.raises(UserError, match="key 'recops-test-text' is no stream"):
        consume(f"{redis_url}?stream=recops-test-text&group=g", log)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://h:1/0?stream=s", "redis://h:1/0: option 'group' is missing"),
        ("redis://u:secret@h:1/0?stream=s&group=g&colour=red", "redis://h:1/0: option 'colour' is unknown"),
        ("redis://h:1/0?stream=s&group=g&claim_s=soon", "option 'claim_s' is 'soon'; expected a number of seconds"),
        ("nats://h:1?stream=s", "option 'durable' is missing"),
        ("kafka://h:1?group=g", "the topic is missing"),
        ("amqp://h:1/x", "no broker has the scheme 'amqp'; there are"),
        ("events", "the stream's URL has no host"),
        ("redis://h:1/0?stream=s&group=g&group=h", "an option stands twice"),
    ],
)
def test_a_wrong_url_is_refused_in_words_without_its_password(url, sentence):
    with pytest.raises(UserError) as refused:
        open_source(url)
    assert sentence in str(refused.value)
    assert "secret" not in str(refused.value)
