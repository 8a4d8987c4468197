"""Handler of POST /chat: a turn of a conversation, answered whole or as server-sent events."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from features.resilience.repeats import RepeatLogger
from models.flight.records.request_ids import new_request_id
from models.language.conversation.constraints import without
from models.language.conversation.conversations import new_conversation_id
from models.language.conversation.replies import reply_of
from models.language.intent.intent import Intent, Memory, continued
from models.language.intent.understanding import understand
from services.api.chat.asking import ChatModel
from services.api.chat.chat_list import ChatList, chat_list
from services.api.chat.chat_messages import ChatAnswer, ChatIntent, ChatRequest
from services.api.search.searching import words_for
from services.errors import ApiError
from services.live.catalogue_texts import CatalogueWords
from services.live.serving import Serving
from services.runtime import Runtime

repeats = RepeatLogger(logging.getLogger(__name__))

REMEMBERED = 100  # items of earlier lists
EVENTS = "text/event-stream"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One message, read and answered with a list; what is missing is the reply. said: by the message alone."""

    said: Intent
    intent: Intent
    shown: ChatList
    answer: ChatAnswer
    liked: list[str]

    def local_reply(self) -> str:
        """What is said without a model."""
        titles = [item.title or item.item_id for item in self.answer.items]
        return reply_of(self.said, self.intent, titles, self.shown.gone, self.liked)


async def chat(request: ChatRequest, runtime: Runtime) -> ChatAnswer | Response:
    """POST /chat. Nothing goes to the event log.

    Raises:
        ApiError: 404, the conversation is not known, is too old, or is of another user.
    """
    serving = runtime.serving()
    user_id = serving.stored_id(request.user_id)
    at = runtime.live.at if runtime.live.at is not None else serving.sessions.now()
    memory = Memory()
    if request.conversation_id is not None:
        known = await runtime.beside(_recalled, runtime, request.conversation_id, user_id, at)
        if known is None:
            message = "no such conversation of this user; leave conversation_id out to begin one"
            raise ApiError(404, message, field="conversation_id", code="unknown_conversation")
        memory = known
    words = await words_for(serving, runtime)
    model = ChatModel.of(runtime.settings)
    said = await model.understood(request.message, memory, words.lexicon) if model is not None else None
    if said is None:
        said = await runtime.beside(understand, request.message, memory, words.lexicon)
    session = await runtime.arrive(serving, user_id)
    turn: Turn = await runtime.ask(_turn, serving, words, said, memory, session, at, request)
    await runtime.beside(_remember, runtime, turn, memory, user_id, at)
    if request.stream:
        return StreamingResponse(_events(turn, model, request.message), media_type=EVENTS)
    turn.answer.reply = await _reply(turn, model, request.message)
    return turn.answer


def _turn(
    serving: Serving, words: CatalogueWords, said: Intent, memory: Memory, session: Any, at: int, request: ChatRequest
) -> Turn:
    intent = continued(memory.intent, said, words.lexicon.categories)
    repeated = not said.restart and _asks(intent) == _asks(memory.intent)
    left_out = [*memory.before, *memory.shown] if repeated else []
    shown = chat_list(serving, words, said, intent, session, at, left_out, request.k)
    intent = without(intent, shown.gone)
    answer = ChatAnswer(
        request.conversation_id or new_conversation_id(),
        "",
        ChatIntent.of(intent),
        shown.items,
        serving.release.release,
        new_request_id(),
    )
    catalogue = serving.recommender.catalogue
    positions = [catalogue.vocabulary.position(item_id) for item_id in intent.like]
    liked = [catalogue.titles[place] or "" for place in positions if place >= 0]
    return Turn(said=said, intent=intent, shown=shown, answer=answer, liked=[title for title in liked if title])


def _asks(intent: Intent) -> tuple[Any, ...]:
    """What an intent filters by: said again it asks for other items."""
    return intent.include, intent.exclude, intent.numbers, intent.text


def _remember(runtime: Runtime, turn: Turn, memory: Memory, user_id: str, at: int) -> None:
    if runtime.live.at is not None:  # a service at a fixed instant keeps nothing
        return
    earlier = [] if turn.said.restart else [*memory.before, *memory.shown]
    kept = Memory(
        intent=turn.intent.model_copy(update={"unclear": []}),
        shown=[item.item_id for item in turn.answer.items][:REMEMBERED],
        before=list(dict.fromkeys(earlier))[-REMEMBERED:],
    )
    try:
        runtime.conversations.write(turn.answer.conversation_id, user_id, kept, at)
    except (sqlite3.Error, OSError) as error:  # the list is as good; the next turn begins anew
        repeats.warning("a conversation is not kept: %s", error)


def _recalled(runtime: Runtime, conversation_id: str, user_id: str, at: int) -> Memory | None:
    try:
        return runtime.conversations.read(conversation_id, user_id, at)
    except (sqlite3.Error, OSError) as error:
        repeats.warning("conversations cannot be read: %s", error)
        raise ApiError(503, "conversations cannot be read now; try again, or begin a new one") from error


async def _reply(turn: Turn, model: ChatModel | None, message: str) -> str:
    local = turn.local_reply()
    asked = await model.reply(message, turn.intent, turn.answer.items, local) if model is not None else None
    return local if asked is None else asked


async def _events(turn: Turn, model: ChatModel | None, message: str) -> AsyncIterator[bytes]:
    """Intent and items at once, then the reply, which is checked before its first piece."""
    answer = turn.answer
    facts = {"conversation_id": answer.conversation_id, "release": answer.release, "request_id": answer.request_id}
    yield _event("intent", {**facts, "intent": answer.intent})
    yield _event("items", {"items": answer.items})
    reply = await _reply(turn, model, message)
    for start in range(0, len(reply), 40):
        yield _event("reply", {"text": reply[start : start + 40]})
    yield _event("done", facts)


def _event(name: str, content: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(content) + b"\n\n"
