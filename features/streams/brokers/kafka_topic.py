"""Kafka: a consumer group without automatic commits; offsets are committed after ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from features.errors import UserError
from features.streams.addresses import Address
from features.streams.event_source import SourceError, StreamMessage

logger = logging.getLogger(__name__)

OPTIONS = ("group", "from")
ANSWER_S = 10.0
JOIN_S = 10.0  # the group gives out its partitions within this time


class KafkaTopic:
    """`kafka://host:port,host:port/topic?group=GROUP`; `from` (`beginning`, `end`): where a new group begins.

    Options with a dot are handed to the client, as `security.protocol=SASL_SSL` (librdkafka's CONFIGURATION.md).
    """

    def __init__(self, address: Address) -> None:
        of_client = {name: value for name, value in address.options.items() if "." in name}
        address.check_options({*OPTIONS, *of_client})
        (group,) = address.require("group")
        begin = address.options.get("from", "beginning")
        if begin not in ("beginning", "end"):
            raise UserError(f"{address.shown}: option 'from' is '{begin}'; expected 'beginning' or 'end'")
        self._topic = address.path.strip("/")
        if not self._topic:
            raise UserError(f"{address.shown}: the topic is missing; expected kafka://HOST:PORT/TOPIC?group=…")
        self.name = f"kafka:{address.host}/{self._topic}"
        self._config = {
            **of_client,
            "bootstrap.servers": address.host,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest" if begin == "beginning" else "latest",
            "fetch.message.max.bytes": 8 << 20,  # larger than what is refused as too large
            "queued.max.messages.kbytes": 64 << 10,
            "error_cb": _note,
            "log_level": 0,  # the consumer says itself that a broker is away
        }
        self._shown = address.shown
        self._consumer: Any = None
        self._cluster = ""

    def fetch(self, limit: int, wait_s: float) -> list[StreamMessage]:
        with self._faults():
            consumer = self._connected()
            wait_s = wait_s if consumer.assignment() else max(wait_s, JOIN_S)
            first = consumer.poll(wait_s)  # `consume` alone would wait until a batch is full
            if first is None:
                return []
            rest = consumer.consume(limit - 1, 0) if limit > 1 else []
            faults = [message.error() for message in (first, *rest) if message.error() is not None]
            messages = [self._message(message) for message in (first, *rest) if message.error() is None]
            serious = [fault for fault in faults if fault.code() != KafkaError._PARTITION_EOF]
            if serious and not messages:  # beside a fault, messages must not be dropped: the client has passed them
                raise KafkaException(serious[0])
            return messages

    def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        following: dict[int, int] = {}
        for message in messages:
            partition, offset = message.handle
            following[partition] = max(following.get(partition, 0), offset + 1)
        with self._faults():
            if self._consumer is None:
                raise SourceError(f"{self.name}: the connection is gone")
            offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in following.items()]
            for committed in self._consumer.commit(offsets=offsets, asynchronous=False):
                if committed.error is not None:
                    raise KafkaException(committed.error)

    def lag(self) -> int | None:
        with self._faults():
            if self._consumer is None:
                return None
            positions = self._consumer.position(self._consumer.assignment())
            known = [position for position in positions if position.offset >= 0]
            ends = [self._consumer.get_watermark_offsets(position, cached=True)[1] for position in known]
            return int(sum(max(0, end - position.offset) for end, position in zip(ends, known, strict=True)))

    def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _connected(self) -> Any:
        if self._consumer is None:
            consumer = Consumer(self._config)
            try:
                self._cluster = str(consumer.list_topics(self._topic, ANSWER_S).cluster_id)
            except KafkaException:
                consumer.close()
                raise
            consumer.subscribe([self._topic])
            self._consumer = consumer
        return self._consumer

    def _message(self, message: Any) -> StreamMessage:
        """The position holds the message's own time [ms]: a topic that is made again counts from 0 again."""
        partition, offset, (_, timestamp) = message.partition(), message.offset(), message.timestamp()
        position = f"kafka:{self._cluster}/{self._topic}/{partition}/{offset}@{timestamp}"
        return StreamMessage(position, message.value() or b"", (partition, offset))

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            fault = error.args[0]
            if fault.fatal() or fault.code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError.UNKNOWN_MEMBER_ID):
                self.close()
            raise SourceError(f"{self.name}: {fault.str()}") from error


def _note(error: Any) -> None:
    logger.debug("kafka: %s", error)
