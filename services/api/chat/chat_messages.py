"""Request and answer of POST /chat."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec

from features.messages.decoding import Id
from models.language.intent.intent import Intent
from services.api.answers import RecommendedItem
from services.api.schemas import Length

LONGEST_MESSAGE = 2000  # characters


class ChatRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /chat. `conversation_id`: of an earlier answer to this user, to go on from there. With `stream` the answer
    comes as server-sent events: `intent`, `items`, `reply` in pieces, `done`."""

    user_id: Id
    message: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_MESSAGE)]
    conversation_id: Id | None = None
    k: Length = 10
    stream: bool = False


class ChatLimit(msgspec.Struct):
    """A limit on a numeric column of the catalogue, in the column's unit."""

    column: str
    op: Literal["<", "<=", "=", ">=", ">"]
    value: float


class ChatIntent(msgspec.Struct, kw_only=True):
    """What the conversation asks for now. like, dislike: item ids; include, exclude: tags, categories, keywords or
    words of items' texts; text: what is left over. understood_by: who read the message."""

    like: list[str] = []
    dislike: list[str] = []
    include: list[str] = []
    exclude: list[str] = []
    numbers: list[ChatLimit] = []
    text: str = ""
    understood_by: Literal["local", "model"] = "local"

    @classmethod
    def of(cls, intent: Intent) -> Self:
        """Of an intent, without what only concerns the conversation itself."""
        return cls(
            like=intent.like,
            dislike=intent.dislike,
            include=intent.include,
            exclude=intent.exclude,
            numbers=[ChatLimit(limit.column, limit.op, limit.value) for limit in intent.numbers],
            text=intent.text,
            understood_by=intent.understood_by,
        )


class ChatAnswer(msgspec.Struct):
    """A reply, and the items that pass the intent, best first. request_id: for the events that follow from the list;
    it is not in the flight recorder."""

    conversation_id: str
    reply: str
    intent: ChatIntent
    items: list[RecommendedItem]
    release: str
    request_id: str
