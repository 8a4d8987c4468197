"""Client: a chat completion of an OpenAI-compatible server, streamed, with retries, deadline and circuit breaker.

No error, log line or answer of it carries the server's address or key: only the kind of a fault and the status.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import numpy as np
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, Omit, OpenAI, OpenAIError

from features.arrays import Float32
from features.resilience.outages import Outage
from models.language.wire import (
    CHARACTERS_A_TOKEN,
    Embedded,
    LanguageServer,
    Message,
    NoReplyError,
    QuestionRefusedError,
    Reply,
    ServerRefusedError,
    tokens_of,
)

T = TypeVar("T")

RETRIED = {408, 409, 425, 429}  # and everything from 500 on
OF_THE_QUESTION = {400, 413, 422}  # the server takes requests, but not this one
_UNTOLD: dict[str, Any] = {  # openai would tell of this machine, and of OPENAI_* in its environment
    **{
        f"X-Stainless-{name}": Omit()
        for name in ("Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version")
    },
    **{name: Omit() for name in ("X-Stainless-Async", "OpenAI-Organization", "OpenAI-Project")},
}
LONGEST_PAUSE_S = 30.0


class LanguageClient:
    """Asks one server; not more than `concurrency` requests at a time.

    tries: of one question; sleep and draw: of the pauses between them, for tests.
    """

    def __init__(
        self,
        server: LanguageServer,
        sampling: Mapping[str, Any],
        *,
        tries: int = 4,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        key = server.api_key.get_secret_value() or "none"
        self.server, self._sampling, self._tries = server, dict(sampling), tries
        self._sleep, self._draw = sleep, draw
        for name in ("openai", "httpx2", "httpcore2"):  # at INFO they log addresses
            logging.getLogger(name).setLevel(logging.WARNING)
        wire: Any = {"base_url": server.base_url, "api_key": key, "max_retries": 0, "default_headers": _UNTOLD}
        self._client = AsyncOpenAI(**wire, timeout=server.deadline_s)
        self._wire = wire
        self._slots = asyncio.Semaphore(server.concurrency)
        self._knows_schemas = True
        self._outage = Outage("the language server", self._probe, lambda error: isinstance(error, NoReplyError))

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> Reply:
        """The whole answer to some messages; schema: JSON schema, sent to servers that enforce one.

        Raises:
            StoreUnavailableError: the server does not answer; it is probed in the background.
            QuestionRefusedError, ServerRefusedError: see there.
        """
        started = time.monotonic()
        with self._outage.guard():
            async with self._slots:
                return await self._with_retries(lambda: self._with_schema_or_without(messages, schema, started))

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Vectors of some texts by the model that the server knows under this name, in one request.

        Raises:
            StoreUnavailableError, QuestionRefusedError, ServerRefusedError: as `complete`.
        """
        started = time.monotonic()
        with self._outage.guard():
            async with self._slots:
                return await self._with_retries(lambda: self._embed_once(model, texts, started))

    async def pieces(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None, usage: list[Any] | None = None
    ) -> AsyncGenerator[tuple[str, str | None], None]:
        """One try, streamed: pieces (text, None), at the end ("", why it ended); usage: gets the server's count."""
        more: dict[str, Any] = {}
        if schema is not None:
            name = str(schema.get("title", "answer"))
            more["response_format"] = {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema)}}
        stream = await self._client.chat.completions.create(
            model=self.server.model,
            messages=list(messages),
            stream=True,
            stream_options={"include_usage": True},
            **self._sampling,
            **more,
        )
        async with stream:
            async for chunk in stream:
                if chunk.usage is not None and usage is not None:
                    usage.append(chunk.usage)
                for choice in chunk.choices or ():
                    if choice.delta and choice.delta.content:
                        yield choice.delta.content, None
                    if choice.finish_reason:
                        yield "", choice.finish_reason

    async def close(self) -> None:
        """Ends connections and probing."""
        self._outage.close()
        await self._client.close()

    def _probe(self) -> None:
        with OpenAI(**self._wire, timeout=5) as prober:
            prober.models.list()

    async def _with_retries(self, once: Callable[[], Awaitable[T]]) -> T:
        fault, pause = "", 0.0
        for attempt in range(self._tries):
            if attempt:
                await self._sleep(pause)
            pause = min(LONGEST_PAUSE_S, 0.5 * 2**attempt) * (0.5 + self._draw())
            try:
                return await once()
            except APIStatusError as error:
                fault = f"status {error.status_code}"
                if error.status_code in OF_THE_QUESTION:
                    raise QuestionRefusedError(f"the server refused the question ({fault})") from None
                if error.status_code not in RETRIED and error.status_code < 500:
                    raise ServerRefusedError(f"the language server refuses us ({fault})") from None
                wait_s = _retry_after(error.response.headers.get("retry-after"))
                if wait_s > LONGEST_PAUSE_S:
                    raise ServerRefusedError(f"the language server asks to wait {wait_s:.0f} s ({fault})") from None
                pause = max(pause, wait_s)
            except TimeoutError:
                fault = f"no whole answer in {self.server.deadline_s:g} s"
            except APIConnectionError as error:
                fault = "timeout" if "Timeout" in type(error).__name__ else "connection failed"
            except (OpenAIError, ValueError, OSError, _HalfAnswerError) as error:
                fault = "half an answer" if isinstance(error, _HalfAnswerError) else "no answer that fits the protocol"
            except Exception as error:  # of the HTTP library, while a stream is read
                if not type(error).__module__.startswith("httpx"):
                    raise
                fault = "connection lost"
        raise NoReplyError(fault)

    async def _with_schema_or_without(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None, started: float
    ) -> Reply:
        """Servers that do not know `response_format` are asked without it from then on."""
        if schema is not None and self._knows_schemas:
            try:
                return await self._once(messages, schema, started)
            except APIStatusError as error:
                if error.status_code not in OF_THE_QUESTION:
                    raise
            reply = await self._once(messages, None, started)
            self._knows_schemas = False  # it takes the same question without one
            return reply
        return await self._once(messages, None, started)

    async def _embed_once(self, model: str, texts: Sequence[str], started: float) -> Embedded:
        async with asyncio.timeout(self.server.deadline_s):
            reply = await self._client.embeddings.create(model=model, input=list(texts), encoding_format="float")
        rows = sorted(reply.data or [], key=lambda row: row.index)
        if [row.index for row in rows] != list(range(len(texts))):
            raise _HalfAnswerError
        vectors = [_vector(row.embedding) for row in rows]
        if len({len(vector) for vector in vectors}) != 1:
            raise ValueError("vectors of several lengths")
        tokens = reply.usage.prompt_tokens if reply.usage else sum(tokens_of(len(text)) for text in texts)
        return Embedded(vectors=vectors, tokens=int(tokens), seconds=time.monotonic() - started)

    async def _once(self, messages: Sequence[Message], schema: Mapping[str, Any] | None, started: float) -> Reply:
        most = CHARACTERS_A_TOKEN * 4 * int(self._sampling.get("max_tokens", 1024))  # of a server that does not stop
        text, finish, usage = "", "", list[Any]()
        async with asyncio.timeout(self.server.deadline_s):
            async with aclosing(self.pieces(messages, schema, usage)) as pieces:
                async for piece, end in pieces:
                    text, finish = text + piece, end or finish
                    if len(text) > most:
                        finish = "length"
                        break
        if not finish:
            raise _HalfAnswerError
        told = sum(len(message["content"]) for message in messages)
        tokens_in = usage[-1].prompt_tokens if usage else tokens_of(told)
        tokens_out = usage[-1].completion_tokens if usage else tokens_of(len(text))
        return Reply(
            text=text,
            finish=finish,
            tokens_in=int(tokens_in),
            tokens_out=int(tokens_out),
            seconds=time.monotonic() - started,
        )


def _vector(numbers: Any) -> Float32:
    """
    Raises:
        ValueError: these are no numbers, or there are none.
    """
    vector: Float32 = np.asarray(numbers, dtype=np.float32)
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise ValueError("no vector")
    return vector


class _HalfAnswerError(Exception):
    """The stream ended before the answer did."""


def _retry_after(value: str | None) -> float:
    """Seconds of a header Retry-After: a number or a date; 0 without one."""
    try:
        seconds = float(value or 0)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(str(value)) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return 0.0
    return max(seconds, 0.0) if seconds == seconds else 0.0
