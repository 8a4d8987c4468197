"""A Kafka topic of two events and a poisonous message, consumed; as a program it prints the totals."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing

from features.events.event_log import EventLog
from features.streams.consumer import Consumer
from features.streams.dead_letters import DeadLetters
from features.streams.opening import open_source
from tests.support.streams import KafkaBroker, bodies, event


def main() -> None:
    """RECOPS_TEST_KAFKA (host:port) names a broker; else the one for tests inside the client."""
    broker = KafkaBroker(os.environ.get("RECOPS_TEST_KAFKA"))
    broker.publish([b"poison", *bodies([event(event_id="e1"), event(item="i2")])])
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(EventLog(f"sqlite:///{folder}/events.db")) as log,
        closing(open_source(broker.url)) as source,
    ):
        consumer = Consumer(source, log, DeadLetters(log.database))
        consumer.run(until_empty=True)
    print(consumer.counts.text())
    broker.close()


if __name__ == "__main__":
    main()
