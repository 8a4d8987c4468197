"""Access middleware for every route: origin, keys and roles, body size, time limit, metrics, and one form of error."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from starlette.requests import ClientDisconnect

from features.settings import Settings
from services.access.answer import WAITING, Answer, App, Message, Receive, Scope, Send
from services.access.deadline import set_deadline
from services.access.keys import ADMIN_HEADER, PAGES, Keys, is_loopback, key_in, may, role_for
from services.access.origin import check_same_origin, requested_authority, values_of
from services.access.quotas import Quotas, retry_after, shared_folder
from services.errors import MESSAGES, ApiError, body_of_status
from services.metrics import metrics
from services.observability.logs import FACTS
from services.observability.request_ids import begin, current_request_id
from services.observability.traces import Traces

logger = logging.getLogger(__name__)
answers = logging.getLogger("services.answers")  # a line for each answer, where logs are JSON

MAX_BODY = 4 << 20
ANSWER_S = 60.0
NEVER_BUSY = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
PROBES = {"/livez": "livez", "/readyz": "readyz", "/healthz": "healthz"}  # BentoML's own
WITH_IDS = ("/items/", "/users/")  # routes with an id in them
NO_ROUTE = "other"  # the label of everything that no route of ours answers


class _TooLargeError(Exception):
    pass


class AccessMiddleware:
    """A plain ASGI class (Starlette's BaseHTTPMiddleware costs more than a whole answer).

    labels: path → label of its metrics; a path outside them is 404 (BentoML serves pages of its own beside ours).
    answer_s: the answer must begin within this time [s], else it is 504. A request that comes while the worker holds
    `max_concurrency` others is 429.
    """

    def __init__(
        self,
        app: App,
        settings: Settings | None = None,
        *,
        labels: Mapping[str, str],
        max_body: int = MAX_BODY,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.app = app
        settings = settings or Settings()
        self.keys = Keys.of(settings)
        self.quotas = Quotas(settings.quotas, self.keys.roles, shared_folder())
        self.max_concurrency = settings.max_concurrency
        self.deadline_ms = settings.deadline_ms
        self.traces = Traces(settings.otel_endpoint) if settings.otel_endpoint else None
        self.logs_answers = settings.log_format == "json"
        self.labels = {**labels, **PROBES}
        self.max_body = max_body
        self.answer_s = answer_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        label = self._label(scope["path"])
        started = time.perf_counter()
        facts = begin(scope["headers"])
        limit = asyncio.timeout(self.answer_s)
        answer = Answer(send, lambda: None if limit.expired() else limit.reschedule(None), facts["request_id"])
        try:
            async with limit:
                await self._answer(scope, receive, answer, label)
        except TimeoutError:
            await answer.fail(504, body_of_status(504))
        if answer.status is not None:
            seconds = time.perf_counter() - started
            metrics().count_answer(label or NO_ROUTE, answer.status, seconds)
            if self.logs_answers:
                line = {"method": scope["method"], "route": label or NO_ROUTE, "status": answer.status}
                answers.info("answered", extra={FACTS: {**facts, **line, "took_ms": round(seconds * 1000, 3)}})
            if self.traces is not None:
                route = label or NO_ROUTE
                self.traces.record(scope["headers"], scope["method"], route, answer.status, seconds, facts)

    async def _answer(self, scope: Scope, receive: Receive, answer: Answer, label: str | None) -> None:
        try:
            self._check(scope)
            if label is None:
                raise ApiError(404, MESSAGES[404])
            if scope.get(WAITING, 0) >= self.max_concurrency and scope["path"] not in NEVER_BUSY:
                raise ApiError(429, MESSAGES[429])
            set_deadline(scope, self.deadline_ms)
            await self.app(scope, _limited(receive, self.max_body, answer), answer.send)
        except ApiError as error:
            await answer.refuse(error)
        except _TooLargeError:
            await answer.fail(413, body_of_status(413))
        except ClientDisconnect:
            logger.debug("method=%s path=%r: the client left before its body was read", scope["method"], scope["path"])
        except Exception:
            logger.exception(
                "request_id=%s method=%s path=%r failed", current_request_id(), scope["method"], scope["path"]
            )
            await answer.fail(500, body_of_status(500))

    def _label(self, path: str) -> str | None:
        """The route's label in metrics: one of a fixed set; None: there is no such route."""
        if path.startswith(PAGES) or path.startswith(WITH_IDS):
            return path.split("/", 2)[1]
        return self.labels.get(path)

    def _check(self, scope: Scope) -> None:
        """Checks the key, origin and body size of a request.

        Raises:
            ApiError: 400, 401, 403, 413 or 429.
        """
        headers = scope["headers"]
        authority = requested_authority(headers, scope.get("http_version", "1.1"))
        check_same_origin(scope["method"], headers, authority)
        for length in values_of(headers, b"content-length"):
            if not length.isascii() or not length.isdigit() or len(length) > 18 or int(length) > self.max_body:
                raise ApiError(413, MESSAGES[413])
        needed = role_for(scope["method"], scope["path"])
        if self.keys.roles:
            digest, role = self._check_key(scope, needed)
            self._check_quota(digest, role, needed)
            return
        # a page of another site must not reach a service without keys through a name of its own (DNS rebinding)
        server, port = scope.get("server") or ("localhost", 0)
        if port is not None and not (is_loopback(authority[0]) and is_loopback(server)):  # None: a socket file
            raise ApiError(403, "without RECOPS_API_KEYS the service answers on loopback only", field="Host")
        if needed == "admin" and values_of(headers, ADMIN_HEADER.lower().encode()) != ["1"]:
            raise ApiError(
                403, f"without RECOPS_API_KEYS this route needs the header {ADMIN_HEADER}: 1", field=ADMIN_HEADER
            )
        self._check_quota("", "anybody", needed)

    def _check_quota(self, digest: str, role: str, needed: str | None) -> None:
        """Takes a token of the key's quota; routes that are open to everyone need none.

        Raises:
            ApiError: 429 with the seconds to wait.
        """
        wait = self.quotas.take(digest) if needed is not None else None
        if wait is not None:
            metrics().quota_refusals.labels(role).inc()
            message = f"this key has used its quota; send the request again in {wait:.3g} s"
            raise ApiError(429, message, code="quota_exceeded", retry_after=retry_after(wait))

    def _check_key(self, scope: Scope, needed: str | None) -> tuple[str, str]:
        """Digest and role of the request's key, which has the role that the route needs.

        Raises:
            ApiError: 401 or 403.
        """
        if needed is None:
            return "", ""
        key = key_in(scope["headers"])
        match = self.keys.match(key) if key else None
        if match is None:
            what = "a wrong key" if key else "no key"
            raise ApiError(401, f"{what}; send Authorization: Bearer KEY or X-API-Key: KEY")
        if not may(match[1], needed):
            raise ApiError(403, f"the key's role is {match[1]}; this route needs {needed}")
        scope.setdefault("state", {})["role"] = match[1]
        return match


def _limited(receive: Receive, max_body: int, answer: Answer) -> Receive:
    """A receive that stops a body without a declared length at the limit, whatever the app then makes of it."""
    n_bytes = 0

    async def limited() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > max_body:
            answer.override = 413
            raise _TooLargeError
        return message

    return limited
