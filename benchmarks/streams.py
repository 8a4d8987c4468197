"""Events a second that a consumer moves from each broker into the event log; what the log alone takes stands beside it.

    python -m benchmarks.streams [n_events] [--batch 1000] [--postgres URL]

Redis and NATS on loopback (RECOPS_TEST_REDIS, RECOPS_TEST_NATS), Kafka where RECOPS_TEST_KAFKA names a broker, else the
one for tests inside its client. A broker that does not answer is passed over. One consumer; messages of one event, and
the same events a hundred to a message. Kafka's times hold the seconds in which a group forms.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from features.events.event_log import EventLog, NewEvent
from features.streams.consumer import Consumer
from features.streams.dead_letters import DeadLetters
from features.streams.opening import open_source
from tests.support.streams import KafkaBroker, NatsBroker, RedisBroker, bodies, event

A_MESSAGE = 100  # events of a message that holds several

BROKERS: dict[str, Callable[[], Any]] = {
    "redis": lambda: RedisBroker(os.environ.get("RECOPS_TEST_REDIS", "redis://127.0.0.1:6379/5")),
    "nats": lambda: NatsBroker(os.environ.get("RECOPS_TEST_NATS", "nats://127.0.0.1:4222")),
    "kafka": lambda: KafkaBroker(os.environ.get("RECOPS_TEST_KAFKA")),
}


def main() -> None:
    """Prints a line a source."""
    parser = argparse.ArgumentParser(description="events a second per source")
    parser.add_argument("n_events", nargs="?", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--postgres", help="an empty database for the event log; else SQLite")
    options = parser.parse_args()
    events = [
        event(user=f"u{n % 5_000}", item=f"i{n % 3_000}", timestamp=1_700_000_000 + n) for n in range(options.n_events)
    ]
    print(f"{options.n_events} events, batches of {options.batch}; processor seconds are the consumer's own")
    print(f"{'source':<34}{'events/s':>10}{'wall s':>9}{'processor s':>13}")
    with event_log(options.postgres) as log:
        row("event log alone", options.n_events, partial(append, log, events, options.batch))
    for name, make in BROKERS.items():
        try:
            broker = make()
        except Exception as error:
            print(f"{name:<34}passed over: {type(error).__name__}: {error}")
            continue
        for what, messages in (("one a message", bodies(events)), (f"{A_MESSAGE} a message", in_batches(events))):
            broker.publish(messages)
            with event_log(options.postgres) as log:
                row(f"{name}, {what}", options.n_events, partial(consume, broker, log, options))
        broker.close()


def row(what: str, n_events: int, work: Callable[[], None]) -> None:
    """Runs and prints one measure."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    wall_s, processor_s = time.perf_counter() - wall, time.process_time() - processor
    print(f"{what:<34}{n_events / wall_s:>10,.0f}{wall_s:>9.2f}{processor_s:>13.2f}", flush=True)


def consume(broker: Any, log: EventLog, options: argparse.Namespace) -> None:
    """Until all events are in the log."""
    with closing(open_source(broker.url)) as source:
        consumer = Consumer(source, log, DeadLetters(log.database), batch=options.batch)
        record = log.append

        def append_and_stop(events: list[NewEvent]) -> Any:
            appended = record(events)
            if consumer.counts.events + len(appended.events) >= options.n_events:
                consumer.stop()
            return appended

        log.append = append_and_stop  # type: ignore[method-assign]
        consumer.run()


def append(log: EventLog, events: list[dict[str, Any]], batch: int) -> None:
    """The same events in batches, each committed."""
    ready = [NewEvent(e["user_id"], e["item_id"], e["event"], event_id=f"e{n}") for n, e in enumerate(events)]
    for start in range(0, len(ready), batch):
        log.append(ready[start : start + batch])


def in_batches(events: list[dict[str, Any]]) -> list[bytes]:
    """Messages of A_MESSAGE events."""
    return bodies({"events": events[start : start + A_MESSAGE]} for start in range(0, len(events), A_MESSAGE))


@contextmanager
def event_log(postgres: str | None) -> Iterator[EventLog]:
    """An empty log."""
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(postgres or f"sqlite:///{Path(folder) / 'events.db'}")
        if postgres:
            with log.database.transaction(write=True) as statements:
                statements.execute("drop table if exists events, event_state, events_retired, dead_letters")
        with closing(log):
            yield log


if __name__ == "__main__":
    main()
