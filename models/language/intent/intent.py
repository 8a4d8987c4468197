"""Intent: what a message asks for, and what a conversation remembers of the messages before it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Op = Literal["<", "<=", "=", ">=", ">"]
MOST = 40  # entries of each slot: a conversation is bounded
Words = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST)]


class NumberLimit(BaseModel):
    """A limit on a numeric column of the catalogue, in the column's own unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(max_length=200)
    op: Op
    value: float = Field(allow_inf_nan=False)


class Intent(BaseModel):
    """What is asked for. like, dislike: item ids; include, exclude: tags, categories, keywords, or words of an item's
    text; either: one of `include` is enough; text: what is left over; restart: everything before is forgotten;
    unclear: titles of which it is not clear which one is meant."""

    model_config = ConfigDict(extra="forbid")

    like: Words = []
    dislike: Words = []
    include: Words = []
    exclude: Words = []
    numbers: list[NumberLimit] = Field(default=[], max_length=MOST)
    text: str = Field(default="", max_length=4000)
    either: bool = False
    restart: bool = False
    unclear: Words = []
    language: str = "en"
    understood_by: Literal["local", "model"] = "local"


class Memory(BaseModel):
    """What a conversation remembers. intent: of all messages so far; shown: ids of the items shown last, best first;
    before: of those shown earlier, the newest last."""

    model_config = ConfigDict(extra="forbid")

    intent: Intent = Intent()
    shown: list[str] = []
    before: list[str] = []


def continued(memory: Intent, said: Intent, categories: frozenset[str] = frozenset()) -> Intent:
    """The intent of a conversation after one more message, which counts more than those before it.

    categories: names of the catalogue's categories; one that is asked for takes the place of another.
    """
    if said.restart:
        return said.model_copy(update={"restart": False})
    switched = bool(categories & set(said.include))
    kept = [term for term in memory.include if term not in said.exclude and not (switched and term in categories)]
    kept = [] if said.either else kept
    sides = {(limit.column, limit.op[0]) for limit in said.numbers}
    exact = {limit.column for limit in said.numbers if limit.op == "="}
    numbers = [
        limit
        for limit in memory.numbers
        if (limit.column, limit.op[0]) not in sides
        and limit.column not in exact
        and not (limit.op == "=" and limit.column in {column for column, _ in sides})
    ]
    include = _joined(kept, said.include)
    return said.model_copy(
        update={
            "like": _joined([item for item in memory.like if item not in said.dislike], said.like),
            "dislike": _joined([item for item in memory.dislike if item not in said.like], said.dislike),
            "include": include,
            "exclude": _joined([term for term in memory.exclude if term not in said.include], said.exclude),
            "numbers": _last([*numbers, *said.numbers]),
            "text": said.text or ("" if said.include else memory.text),
            "either": said.either if said.include else memory.either and len(include) > 1,
        }
    )


def _joined(before: list[str], new: list[str]) -> list[str]:
    return list(dict.fromkeys([*(one for one in before if one not in new), *new]))[-MOST:]


def _last(limits: list[NumberLimit]) -> list[NumberLimit]:
    return list(dict.fromkeys(limits))[-MOST:]
