"""Asked vectors: those of a server behind `/v1/embeddings`, as questions, rows of ANSWERS, and vectors again."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl

from features.arrays import Float32, Int64
from models.language.wire import Embedded, LanguageServer, QuestionRefusedError, tokens_of
from models.language.writing.answers import Question, key_of
from models.language.writing.prompt import clean

PART = "vectors"
BATCH = 32  # texts of one request


class Embeds(Protocol):
    """What gives vectors: a LanguageClient."""

    server: LanguageServer

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded: ...


def asker_of_vectors(model: str) -> str:
    """Who is asked, as one hash."""
    return hashlib.sha256(json.dumps([PART, model]).encode()).hexdigest()


def sent_text(text: str | None) -> str:
    """What a server is given of a text: without what nobody sees, and cut (models/language/writing/prompt.py)."""
    return str(clean(text or ""))


def vector_questions(items: pl.DataFrame, demand: Int64, model: str) -> list[Question]:
    """One for each item with a text. items: CATALOGUE; demand: (n_items,), the least chosen items are asked first."""
    asker = asker_of_vectors(model)
    questions = []
    for place, (item_id, text) in enumerate(items.select("item_id", "text").iter_rows()):
        if sent := sent_text(text):
            key, worth = key_of(asker, sent), (2.5, int(demand[place]), place)
            questions.append(
                Question(key=key, asker=asker, part=PART, subject=item_id, facts={}, text=sent, worth=worth)
            )
    return questions


async def answer_vectors(client: Embeds, model: str, questions: Sequence[Question]) -> list[dict[str, Any]]:
    """A row of ANSWERS for each, by one request; texts of a request that is refused go one by one.

    Raises:
        StoreUnavailableError, ServerRefusedError: of the client; nothing was answered.
    """
    try:
        embedded = await client.embed(model, [question.text for question in questions])
    except QuestionRefusedError as error:
        if len(questions) == 1:
            return [_row(client, questions[0], None, str(error), 0, 0.0)]
        return [row for question in questions for row in await answer_vectors(client, model, [question])]
    shares = _shares([tokens_of(len(question.text)) for question in questions], embedded.tokens)
    seconds = embedded.seconds / len(questions)
    return [
        _row(client, question, vector, "", tokens, seconds)
        for question, vector, tokens in zip(questions, embedded.vectors, shares, strict=True)
    ]


def _shares(weights: Sequence[int], total: int) -> list[int]:
    """A total in proportion to weights, in whole numbers that add up to it."""
    ends = np.floor(total * np.cumsum(weights) / max(sum(weights), 1)).astype(np.int64)
    shares: list[int] = np.diff(ends, prepend=0).tolist()
    return shares


def _row(
    client: Embeds, question: Question, vector: Float32 | None, refusal: str, tokens: int, seconds: float
) -> dict[str, Any]:
    return {
        "key": question.key,
        "asker": question.asker,
        "part": question.part,
        "subject": question.subject,
        "as_of": None,
        "answer": None if vector is None else json.dumps({"vector": packed(vector)}),
        "valid": vector is not None,
        "refusal": refusal or None,
        "n_requests": 1,
        "tokens_in": tokens,
        "tokens_out": 0,
        "seconds": seconds,
        "price": client.server.price(tokens, 0),
        "server": client.server.label,
        "answered_at": time.time_ns() // 1000,
    }


def packed(vector: Float32) -> str:
    """Base64 of the little-endian single-precision numbers."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def unpacked(answer: str) -> Float32:
    """The vector of an answer's JSON."""
    return np.frombuffer(base64.b64decode(json.loads(answer)["vector"]), dtype="<f4").astype(np.float32)
