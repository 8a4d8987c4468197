"""One question asked: the answer validated against schema and facts, repaired once, else refused."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import ValidationError

from models.language.wire import LanguageServer, Message, QuestionRefusedError, Reply
from models.language.writing.answers import Question
from models.language.writing.prompt import Prompt
from models.language.writing.task import LanguageTask, Written

REPAIR = "That does not fit: {fault}. Answer again with the JSON object alone, and nothing that is not in the data."


class Completes(Protocol):
    """What answers messages: a LanguageClient."""

    server: LanguageServer

    async def complete(self, messages: Sequence[Message], schema: Any = None) -> Reply: ...


async def answer(client: Completes, task: LanguageTask, prompt: Prompt, question: Question) -> dict[str, Any]:
    """A row of ANSWERS, valid or refused, instants in µs.

    Raises:
        StoreUnavailableError, ServerRefusedError: of the client; nothing was answered.
    """
    messages: list[Message] = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": question.text},
    ]
    replies: list[Reply] = []
    written, fault = None, ""
    schema = task.Answer.model_json_schema()
    for _ in range(2):
        try:
            reply = await client.complete(messages, schema)
        except QuestionRefusedError as error:
            fault = str(error)
            break
        replies.append(reply)
        written, fault = judged(task, question, reply)
        if written is not None:
            break
        said = reply.text[:2000] or "(nothing)"
        told = {"role": "user", "content": REPAIR.format(fault=fault)}
        messages = [*messages[:2], {"role": "assistant", "content": said}, told]
    tokens_in, tokens_out = sum(r.tokens_in for r in replies), sum(r.tokens_out for r in replies)
    return {
        "key": question.key,
        "asker": question.asker,
        "part": question.part,
        "subject": question.subject,
        "as_of": question.as_of,
        "answer": None if written is None else written.model_dump_json(),
        "valid": written is not None,
        "refusal": fault if written is None else None,
        "n_requests": len(replies),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "seconds": sum(r.seconds for r in replies),
        "price": client.server.price(tokens_in, tokens_out),
        "server": client.server.label,
        "answered_at": time.time_ns() // 1000,
    }


def judged(task: LanguageTask, question: Question, reply: Reply) -> tuple[Written | None, str]:
    """The answer, or None and why it is refused."""
    start, end = reply.text.find("{"), reply.text.rfind("}")
    if start < 0 or end < start:
        return None, "it was cut off" if reply.finish == "length" else "there is no JSON object in it"
    try:
        written = task.Answer.model_validate_json(reply.text[start : end + 1])
    except ValidationError as error:
        return None, _told(error)
    if strangers := task.ungrounded(written, question.facts):
        return None, f"the data do not say: {', '.join(strangers[:5])}"
    return written, ""


def _told(error: ValidationError) -> str:
    """The first faults, without the values."""
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the object'}: {one['msg']}" for one in error.errors()[:3])
