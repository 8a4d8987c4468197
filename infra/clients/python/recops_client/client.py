"""Recops: the usual calls by name, errors as exceptions, and a second try where that is safe."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import ModuleType
from typing import Any

import httpx

from recops_client.generated import Client
from recops_client.generated.api.events import events, history
from recops_client.generated.api.lists import recommend, similar
from recops_client.generated.models import (
    ErrorAnswer,
    EventsAnswer,
    EventsRequest,
    HistoryAnswer,
    RecommendAnswer,
    RecommendRequest,
    SimilarAnswer,
    SimilarRequest,
)

BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class RecopsError(Exception):
    """The service refused. field: what is at fault in the request, None where it is not one field."""

    def __init__(self, status: int, code: str, message: str, field: str | None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.field = status, code, message, field


class Recops:
    """A service at `url`; a context manager. One connection pool, safe for several threads.

    key: an API key; timeout_s: of one try; retries: further tries where the service is busy (429, 503), after the time
    that it names, or cannot be reached. All calls here may be repeated: events carry ids.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = 5.0, retries: int = 2) -> None:
        headers = {"X-API-Key": key} if key else {}
        self.client = Client(base_url=url.rstrip("/"), headers=headers, timeout=httpx.Timeout(timeout_s))
        self._retries = retries

    def recommend(self, user_id: str, k: int = 10, **more: Any) -> RecommendAnswer:
        """A user's list; more: the other fields of POST /recommend."""
        request = {"user_id": user_id, "k": k, **more}
        return self.ask(recommend, body=RecommendRequest.from_dict(request))

    def similar(self, item_id: str, k: int = 10, **more: Any) -> SimilarAnswer:
        """The items most like one."""
        request = {"item_id": item_id, "k": k, **more}
        return self.ask(similar, body=SimilarRequest.from_dict(request))

    def record(self, happened: Iterable[Mapping[str, Any]]) -> EventsAnswer:
        """Records events (fields of POST /events); one without an `event_id` gets one: a second try counts once."""
        named = [{"event_id": uuid.uuid4().hex, **event} for event in happened]
        return self.ask(events, body=EventsRequest.from_dict({"events": named}))

    def history(self, user_id: str, limit: int = 50) -> HistoryAnswer:
        """What is known of a user."""
        return self.ask(history, user_id=user_id, limit=limit)

    def ask(self, operation: ModuleType, **arguments: Any) -> Any:
        """The answer of any operation below `recops_client.generated.api`, such as `api.items.items`.

        Raises:
            RecopsError: the service refused, or was busy at every try.
            httpx.TransportError: it could not be reached at any try.
        """
        for left in range(self._retries, -1, -1):
            try:
                response = operation.sync_detailed(client=self.client, **arguments)
            except httpx.TransportError:
                if not left:
                    raise
                time.sleep(0.2)
                continue
            if response.status_code in BUSY and left:
                time.sleep(_pause_s(response.headers))
                continue
            break
        if isinstance(response.parsed, ErrorAnswer):
            error = response.parsed.error
            field = error.field if isinstance(error.field, str) else None
            raise RecopsError(int(response.status_code), str(error.code), error.message, field)
        if response.parsed is None:
            raise RecopsError(
                int(response.status_code), "unexpected", response.content[:200].decode(errors="replace"), None
            )
        return response.parsed

    def close(self) -> None:
        """Closes the connections."""
        self.client.get_httpx_client().close()

    def __enter__(self) -> Recops:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pause_s(headers: Mapping[str, str]) -> float:
    """Retry-After [s], at most 5."""
    try:
        return min(5.0, float(headers.get("retry-after", "0.5")))
    except ValueError:
        return 0.5
