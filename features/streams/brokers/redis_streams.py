"""Redis Streams: a consumer group reads, what dead consumers left pending is claimed, and XACK follows the commit."""

from __future__ import annotations

import json
import logging
import math
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import redis

from features.errors import UserError
from features.streams.addresses import Address
from features.streams.event_source import SourceError, StreamMessage

logger = logging.getLogger(__name__)

OPTIONS = ("stream", "group", "field", "from", "claim_s", "name")
CLAIM_S = 60.0  # pending for longer: its consumer is dead
FORGET_MS = 3_600_000  # idle for longer, with nothing pending: a consumer that ended without a word
NUMBERS = ("timestamp", "value")
# in one step, so that no consumer is removed that has just been given something
_REMOVE_CONSUMERS = """
local n = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local facts = {}
  for i = 1, #consumer, 2 do facts[consumer[i]] = consumer[i + 1] end
  if facts['pending'] == 0 and (facts['name'] == ARGV[2] or facts['idle'] > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], facts['name'])
    n = n + 1
  end
end
return n
"""


class RedisStream:
    """`redis://host:port/db?stream=NAME&group=GROUP`; the group is made where it is missing.

    Options: `from` (`beginning`, `end`: where a new group begins), `field` (of an entry, which holds the JSON),
    `claim_s` (after how long a pending entry is taken over), `name` (of this server in positions; default
    HOST:PORT/DB).

    An entry of one field holds JSON in it; one of several fields is the event itself: `XADD events * user_id u1 item_id
    i1 event click`.
    """

    def __init__(self, address: Address) -> None:
        address.check_options(OPTIONS)
        self.stream, self.group = address.require("stream", "group")
        self._field = address.options.get("field")
        begin = address.options.get("from", "beginning")
        if begin not in ("beginning", "end"):
            raise UserError(f"{address.shown}: option 'from' is '{begin}'; expected 'beginning' or 'end'")
        self._begin = "0" if begin == "beginning" else "$"
        self._claim_s = address.seconds("claim_s", CLAIM_S)
        server = address.options.get("name") or f"{address.host}{address.path or '/0'}"
        self.name = f"redis:{server}/{self.stream}"
        self._consumer = f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        self._url, self._shown = address.server, address.shown
        self._client: Any = None
        self._next_claim = 0.0
        self._claim_cursor = "0-0"

    def fetch(self, limit: int, wait_s: float) -> list[StreamMessage]:
        with self._faults(), self._group_made():
            client = self._connected()
            if time.monotonic() >= self._next_claim and (claimed := self._claim(client, limit)):
                return claimed
            milliseconds = max(1, round(wait_s * 1000))
            answer = client.xreadgroup(self.group, self._consumer, {self.stream: ">"}, count=limit, block=milliseconds)
            return [self._message(*entry) for _, entries in answer or [] for entry in entries]
        return []

    def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        with self._faults(), self._group_made():
            self._connected().xack(self.stream, self.group, *(message.handle for message in messages))

    def lag(self) -> int | None:
        with self._faults(), self._group_made():
            groups = self._connected().xinfo_groups(self.stream)
            return next((group.get("lag") for group in groups if group["name"] == self.group.encode()), None)
        return None

    def close(self) -> None:
        if self._client is None:
            return
        with suppress(redis.RedisError):
            self._remove_consumers(self._client, self._consumer)
        self._client.close()
        self._client = None

    def _claim(self, client: Any, limit: int) -> list[StreamMessage]:
        """What has been pending for too long; when there is no more, the next look is some time later."""
        idle = max(1, round(self._claim_s * 1000))
        cursor, entries, *deleted = client.xautoclaim(
            self.stream, self.group, self._consumer, idle, start_id=self._claim_cursor, count=limit
        )
        self._claim_cursor = cursor
        if cursor in (b"0-0", "0-0"):
            self._next_claim = time.monotonic() + self._claim_s / 2
            self._remove_consumers(client)
        if deleted and deleted[0]:  # Redis 7 tells them
            logger.warning("source=%s %d pending entries had left the stream (MAXLEN)", self.name, len(deleted[0]))
        return [self._message(entry_id, fields) for entry_id, fields in entries if fields is not None]

    def _message(self, entry_id: bytes, fields: dict[bytes, bytes]) -> StreamMessage:
        position = f"{self.name}/{entry_id.decode()}"
        if self._field is not None:
            return StreamMessage(position, fields.get(self._field.encode(), b""), entry_id)
        if len(fields) == 1:
            return StreamMessage(position, next(iter(fields.values())), entry_id)
        return StreamMessage(position, _as_json(fields), entry_id)

    def _connected(self) -> Any:
        if self._client is None:
            client = redis.Redis.from_url(
                self._url, protocol=2, socket_connect_timeout=3, socket_timeout=10, health_check_interval=30
            )
            self._make_group(client)
            self._client = client
        return self._client

    def _make_group(self, client: Any) -> None:
        try:
            client.xgroup_create(self.stream, self.group, id=self._begin, mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _remove_consumers(self, client: Any, leaving: str = "") -> None:
        """The leaving consumer and those long dead leave the group, if nothing is pending with them."""
        try:
            client.eval(_REMOVE_CONSUMERS, 1, self.stream, self.group, leaving, FORGET_MS)
        except redis.ResponseError as error:  # a server may allow no scripts
            logger.debug("source=%s dead consumers stay in the group: %s", self.name, error)

    @contextmanager
    def _group_made(self) -> Iterator[None]:
        """Makes the group again that went with its stream; whoever asked gets nothing this time."""
        try:
            yield
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            logger.warning("source=%s the stream or its group is gone; made again", self.name)
            self._make_group(self._client)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except redis.AuthenticationError as error:
            raise UserError(f"{self._shown}: {error}; correct user and password in the stream's URL") from None
        except redis.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise UserError(f"{self._shown}: key '{self.stream}' is no stream; name another one") from None
            raise SourceError(f"{self.name}: {error}") from error
        except (redis.RedisError, OSError) as error:
            raise SourceError(f"{self.name}: {' '.join(str(error).split())}") from error


def _as_json(fields: dict[bytes, bytes]) -> bytes:
    """Fields of an entry as a JSON object; numbers stand in it as numbers, and bytes that are no text are refused."""
    texts = {name.decode("utf-8", "surrogateescape"): _text(name, value) for name, value in fields.items()}
    return json.dumps(texts).encode()


def _text(name: bytes, value: bytes) -> str | float:
    text = value.decode("utf-8", "surrogateescape")
    if name.decode("utf-8", "surrogateescape") in NUMBERS:
        with suppress(ValueError):
            number = float(text)
            return number if math.isfinite(number) else text
    return text
