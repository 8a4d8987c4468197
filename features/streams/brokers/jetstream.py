"""NATS JetStream: a durable pull consumer; each message is acknowledged after the commit."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import nats
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, BadRequestError, NotFoundError

from features.errors import UserError
from features.streams.addresses import Address
from features.streams.event_source import SourceError, StreamMessage

logger = logging.getLogger(__name__)

OPTIONS = ("stream", "subject", "durable", "from", "ack_wait_s", "credentials")
ACK_WAIT_S = 60.0  # not acknowledged for longer: its consumer is dead, and the message comes again
UNACKNOWLEDGED = 20_000  # messages that all consumers of a durable name may hold together
ANSWER_S = 10.0  # beyond what a call may wait for by itself

T = TypeVar("T")


class JetStream:
    """`nats://host:port?stream=NAME&subject=SUBJECT&durable=NAME`; several hosts with commas between; `tls://` too.

    The stream must be there; the durable consumer is made where it is missing. Options: `from` (`beginning`, `end`:
    where a new one begins), `ack_wait_s` (of a new one: after how long an unacknowledged message comes again),
    `credentials` (a file of NATS).
    """

    def __init__(self, address: Address) -> None:
        address.check_options(OPTIONS)
        self._stream, self._durable = address.require("stream", "durable")
        self._subject = address.options.get("subject") or ""
        begin = address.options.get("from", "beginning")
        if begin not in ("beginning", "end"):
            raise UserError(f"{address.shown}: option 'from' is '{begin}'; expected 'beginning' or 'end'")
        self._config = ConsumerConfig(
            durable_name=self._durable,
            filter_subject=self._subject or None,
            deliver_policy=DeliverPolicy.ALL if begin == "beginning" else DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=address.seconds("ack_wait_s", ACK_WAIT_S),
            max_ack_pending=UNACKNOWLEDGED,
        )
        login = address.server.removesuffix(address.path).partition("://")[2]
        self._servers = [
            f"{address.scheme}://{host if '@' in host else login.rpartition('@')[0] + '@' * ('@' in login) + host}"
            for host in login.rpartition("@")[2].split(",")
        ]
        self._credentials = address.options.get("credentials") or None
        self._shown = address.shown
        self.name = f"nats:{address.host}/{self._stream}"
        self._has_answered = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: Any = None
        self._subscription: Any = None

    def fetch(self, limit: int, wait_s: float) -> list[StreamMessage]:
        with self._faults():
            self._call(self._connect(), 2 * ANSWER_S)
            messages = self._call(self._fetch(limit, wait_s), wait_s + ANSWER_S)
        self._has_answered = True
        return [self._message(message) for message in messages]

    def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        with self._faults():
            self._call(self._acknowledge(messages), 2 * ANSWER_S)

    def lag(self) -> int | None:
        with self._faults():
            if self._subscription is None:
                return None
            return int(self._call(self._subscription.consumer_info(), ANSWER_S).num_pending)

    def close(self) -> None:
        if self._loop is None:
            return
        with suppress(SourceError), self._faults():
            if self._connection is not None:
                self._call(self._connection.close(), ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop = self._connection = self._subscription = None

    async def _connect(self) -> None:
        if self._connection is None:
            self._connection = await nats.connect(
                self._servers,
                name="recops",
                allow_reconnect=False,  # the consumer asks again by itself, and says so
                max_reconnect_attempts=1,
                reconnect_time_wait=0.1,
                connect_timeout=3,
                ping_interval=5,  # a server that has gone silent is noticed after three of these
                max_outstanding_pings=2,
                user_credentials=self._credentials,
                error_cb=_note,
            )
        if self._subscription is None:
            context = self._connection.jetstream()
            await context.stream_info(self._stream)
            self._subscription = await context.pull_subscribe(
                self._subject, durable=self._durable, stream=self._stream, config=self._config
            )

    async def _fetch(self, limit: int, wait_s: float) -> list[Any]:
        try:
            return list(await self._subscription.fetch(limit, timeout=wait_s))
        except (TimeoutError, NatsTimeoutError):
            if not self._connection.is_connected:
                raise
            return []

    async def _acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        if self._connection is None:
            raise NatsError("the connection is gone")
        for message in messages:
            await self._connection.publish(message.handle)
        await self._connection.flush(int(ANSWER_S))

    def _message(self, message: Any) -> StreamMessage:
        """The position holds the instant of storing [ns]: a stream that is made again counts from 1 again."""
        facts = message.reply.split(".")
        offset = 2 if len(facts) >= 11 else 0  # newer servers put domain and account before the stream's name
        stream_sequence, stored_at = facts[5 + offset], facts[7 + offset]
        return StreamMessage(f"nats:{self._stream}/{stream_sequence}@{stored_at}", message.data, message.reply)

    def _call(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Runs on the loop of a thread of its own, which also answers the server's pings between calls."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="nats", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            self._reset()
            if self._has_answered:
                raise SourceError(f"{self.name}: the stream or its consumer is gone") from error
            raise UserError(
                f"{self._shown}: there is no stream '{self._stream}'; make it (`nats stream add {self._stream}`) or "
                "correct the URL"
            ) from None
        except BadRequestError as error:
            self._reset()
            if self._has_answered:
                raise SourceError(f"{self.name}: {error}") from error
            raise UserError(
                f"{self._shown}: stream '{self._stream}' refuses consumer '{self._durable}' of subject "
                f"'{self._subject}': {error.description}; correct the URL"
            ) from None
        except (APIError, NatsError, OSError, TimeoutError) as error:
            self._reset()
            raise SourceError(f"{self.name}: {' '.join(str(error).split()) or type(error).__name__}") from error

    def _reset(self) -> None:
        """The next fetch connects anew."""
        connection, self._connection, self._subscription = self._connection, None, None
        if connection is not None and self._loop is not None:
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(connection.close(), self._loop).result(2)


async def _note(error: Exception) -> None:
    logger.debug("nats: %s", error)
