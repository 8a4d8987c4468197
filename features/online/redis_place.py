"""An online namespace in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlparse

from features.online.feast_rows import entity_keys
from features.online.feast_rows.redis_rows import RedisRows
from features.online.online_place import WriteRefusedError
from features.resilience.outages import Outage, StoreUnavailableError

LOCK_S = 30
QUICK_S = 0.5  # to connect, and for each answer, while a request waits
PATIENT_S = 30.0


class RedisPlace:
    """Keys that end with the namespace (Feast's way) and a few that begin with `recops:<namespace>:`."""

    def __init__(self, url: str, namespace: str, outage: Outage | None = None) -> None:
        """outage: the circuit breaker of another one for the same server, which then opens and closes for both."""
        self._url, self._namespace = url, namespace
        self._timeout_s = QUICK_S
        self._client: Any = None
        self._is_shared = outage is not None
        self._outage = outage or self._new_outage()
        self.rows = RedisRows(lambda: self.client, namespace)

    def opened_again(self) -> RedisPlace:
        return RedisPlace(self._url, self._namespace, self._outage)

    @property
    def client(self) -> Any:
        """The connections, made at their first use; Feast uses the same."""
        if self._client is None:
            self._client = self._connect(self._timeout_s)
        return self._client

    def settings(self) -> dict[str, Any]:
        url = urlparse(self._url)
        parts = [f"{url.hostname or '127.0.0.1'}:{url.port or 6379}", f"db={url.path.strip('/') or 0}"]
        parts += [f"username={unquote(url.username)}"] if url.username else []
        parts += [f"password={json.dumps(unquote(url.password))}"] if url.password else []
        parts += ["ssl=true"] if url.scheme == "rediss" else []
        # the store's own guard compares instants; ours counts events, so that the clock has no say
        return {"type": "redis", "connection_string": ",".join(parts), "skip_dedup": True}

    def prepare(self) -> None:
        self.client.ping()

    def connected(self, store: Any) -> None:
        """Replaces Feast's client, which would wait without limit and retry for minutes."""
        store.provider.online_store._client = self.client

    @contextmanager
    def patient(self) -> Iterator[None]:
        before, self._timeout_s = self._timeout_s, PATIENT_S
        self.close()
        try:
            yield
        finally:
            self._timeout_s = before
            self.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        from redis import RedisError

        try:
            with self._outage.guard():
                yield
        except RedisError as error:
            raise StoreUnavailableError(f"the online store refuses a read: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        from redis import RedisError

        try:
            with self._outage.guard():
                yield
        except RedisError as error:
            raise WriteRefusedError(f"the online store refuses a write: {error}") from error

    @contextmanager
    def lock(self, user_id: str, wait_s: float) -> Iterator[None]:
        """One lock per user; it expires when its holder was killed."""
        name = f"recops:{self._namespace}:lock:{user_id}"
        lock = self.client.lock(name, timeout=LOCK_S, blocking_timeout=wait_s, sleep=0.005)
        with self.writing():
            if not lock.acquire():
                raise WriteRefusedError(f"another process has held the lock of this user for {wait_s} s")
        try:
            yield
        finally:
            with suppress(WriteRefusedError, StoreUnavailableError), self.writing():
                lock.release()

    def read_notes(self) -> dict[str, Any] | None:
        with self.reading():
            notes = self.client.get(f"recops:{self._namespace}:notes")
        return None if notes is None else dict(json.loads(notes))

    def write_notes(self, notes: dict[str, Any]) -> None:
        self.client.set(f"recops:{self._namespace}:notes", json.dumps(notes, sort_keys=True))

    def drop(self) -> None:
        with self.patient():
            self.client.delete(f"recops:{self._namespace}:notes")
            ending = self._namespace.encode()
            doomed = []
            for key in self.client.scan_iter(b"*" + ending, count=5000):
                if _is_entity_key(key[: -len(ending)]):
                    doomed.append(key)
                if len(doomed) == 5000:
                    self.client.delete(*doomed)
                    doomed = []
            if doomed:
                self.client.delete(*doomed)

    def close(self) -> None:
        client, self._client = self._client, None
        if not self._is_shared:
            self._outage.close()
            self._outage = self._new_outage()
        if client is not None:
            client.close()

    def _new_outage(self) -> Outage:
        return Outage("the online store (Redis)", self._probe, _is_outage)

    def _connect(self, timeout_s: float) -> Any:
        from redis import ConnectionError, Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # one immediate retry for a connection that the server has closed; none for a server that does not answer
        retry: Any = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
        return Redis.from_url(self._url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, retry=retry)

    def _probe(self) -> None:
        client = self._connect(QUICK_S)
        try:
            client.ping()
        finally:
            client.close()


def _is_outage(error: Exception) -> bool:
    from redis import ConnectionError, TimeoutError

    return isinstance(error, ConnectionError | TimeoutError)


def _is_entity_key(key: bytes) -> bool:
    """Whether bytes are exactly one entity key of Feast: else the key belongs to a namespace of a longer name."""
    try:
        return entity_keys.encode(entity_keys.decode(key)) == key
    except ValueError:
        return False
