"""EventSource: what the consumer needs of a broker; one file a broker stands in features/streams/brokers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


class SourceError(RuntimeError):
    """The broker does not answer, or refuses for now: the consumer waits and asks again."""


@dataclass(frozen=True)
class StreamMessage:
    """One message. position: names it in its source, alike at each delivery; body: JSON as it was sent.

    handle: what the source needs to acknowledge it.
    """

    position: str
    body: bytes
    handle: Any = None


class EventSource(Protocol):
    """A stream read by a group of consumers; what is not acknowledged is delivered again, here or elsewhere.

    name: the source in logs, metrics and dead letters, without secrets.
    """

    name: str

    def fetch(self, limit: int, wait_s: float) -> list[StreamMessage]:
        """At most `limit` messages, those that are there; waits up to `wait_s` [s] for the first one.

        Raises:
            SourceError: the broker does not answer.
            UserError: the stream is not there, or is no stream; only before the first message.
        """

    def acknowledge(self, messages: Sequence[StreamMessage]) -> None:
        """These are stored and need not be delivered again.

        Raises:
            SourceError: the broker does not answer; they come again.
        """

    def close(self) -> None:
        """Ends the connection; what was fetched and not acknowledged goes to other consumers."""


@runtime_checkable
class KnowsLag(Protocol):
    """A source that can tell how much lies before it."""

    def lag(self) -> int | None:
        """Messages that the group has not been given yet; None: the broker cannot tell.

        Raises:
            SourceError: the broker does not answer.
        """
