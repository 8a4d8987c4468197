"""A language model in a conversation: it reads a message and writes a reply; whatever it gets wrong, rules take over.

Texts of people and items stand only in a data block of the user's message; no id of a user is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.resilience.repeats import RepeatLogger
from features.settings import Settings
from models.language.grounding import ungrounded
from models.language.intent.intent import Intent, Memory, NumberLimit, Words
from models.language.intent.lexicon import Lexicon
from models.language.intent.phrase_tables import language_of
from models.language.intent.tokens import plain, tokens_of
from models.language.wire import LanguageServer
from models.language.writing.prompt import data_block, read_prompt
from services.api.answers import RecommendedItem

logger = logging.getLogger(__name__)
repeats = RepeatLogger(logger)

DEADLINE_S = 15.0
TERMS = 200  # of the catalogue that are told
PROMPTS = Path(__file__).with_name("prompts")
SAMPLING: Mapping[str, Any] = {"temperature": 0.0, "max_tokens": 400}


class ReadMessage(BaseModel):
    """What a model reads in a message: titles, terms, limits, and what is left over."""

    model_config = ConfigDict(extra="ignore")

    like: Words = []
    dislike: Words = []
    include: Words = []
    exclude: Words = []
    numbers: list[NumberLimit] = Field(default=[], max_length=20)
    text: str = Field(default="", max_length=1000)
    restart: bool = False


class ChatModel:
    """The server of RECOPS_LLM_BASE_URL, asked for the model RECOPS_LLM_MODEL, once, with a deadline."""

    def __init__(self, server: LanguageServer) -> None:
        from models.language.client import LanguageClient

        self._client = LanguageClient(server, SAMPLING, tries=1)

    @staticmethod
    def of(settings: Settings) -> ChatModel | None:
        """The one of this process; None: no server or no model is named."""
        url = settings.llm_base_url.get_secret_value()
        if not url or not settings.llm_model:
            return None
        key = settings.llm_api_key.get_secret_value()
        deadline_s = min(settings.llm_deadline_s, DEADLINE_S)
        try:
            return _model(url, key, settings.llm_model, deadline_s, settings.llm_concurrency)
        except ImportError:  # a Bento has the package only where somebody adds it
            repeats.warning("RECOPS_LLM_BASE_URL is set, and the package openai is not installed: rules answer")
            return None

    async def understood(self, message: str, memory: Memory, lexicon: Lexicon) -> Intent | None:
        """What a message asks for; None: there is no answer that fits, and rules have to read it."""
        titles = [lexicon.titles.titles[place] for place in map(lexicon.position, memory.shown) if place >= 0]
        facts = {
            "message": message,
            "shown": titles[:20],
            "categories": sorted(lexicon.categories)[:TERMS],
            "columns": sorted(lexicon.columns),
        }
        text = await self._asked("understand", facts, ReadMessage.model_json_schema())
        start, end = (text.find("{"), text.rfind("}")) if text is not None else (-1, -1)
        if text is None or start < 0:
            return None
        try:
            return _checked(ReadMessage.model_validate_json(text[start : end + 1]), message, lexicon)
        except ValidationError:
            return None

    async def reply(self, message: str, intent: Intent, items: Sequence[RecommendedItem], local: str) -> str | None:
        """A reply that says nothing but what it was given; None: there is none."""
        facts = {
            "message": message,
            "items": [item.title for item in items if item.title],
            "wanted": [*intent.include, intent.text],
            "unwanted": intent.exclude,
            "summary": local,
        }
        text = await self._asked("reply", facts, None)
        given = {name: told for name, told in facts.items() if name != "message"}
        if not text or not text.strip() or len(text) > 1500 or ungrounded(text, given):
            return None
        return text.strip()

    async def _asked(self, prompt: str, facts: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str | None:
        messages = [
            {"role": "system", "content": _prompt(prompt)},
            {"role": "user", "content": data_block(facts)},
        ]
        try:
            return (await self._client.complete(messages, schema)).text
        except Exception as error:  # whatever is wrong with a server, the conversation goes on
            repeats.warning("the conversation goes on without the language model: %s", type(error).__name__)
            return None


def _checked(read: ReadMessage, message: str, lexicon: Lexicon) -> Intent:
    """The part of what a model read that this catalogue knows."""

    def items(titles: Sequence[str]) -> list[str]:
        found = [lexicon.titles.exact(tokens_of(plain(title))) for title in titles]
        return [lexicon.item_ids[places[0]] for places in found if len(places) == 1]

    def terms(names: Sequence[str]) -> list[str]:
        known = [lexicon.term([tuple(token.word for token in tokens_of(plain(name)))]) or name for name in names]
        return [name for name in known if lexicon.having(name).any()]

    return Intent(
        like=items(read.like),
        dislike=items(read.dislike),
        include=terms(read.include),
        exclude=terms(read.exclude),
        numbers=[limit for limit in read.numbers if limit.column in lexicon.columns],
        text=read.text,
        restart=read.restart,
        language=language_of(tokens_of(plain(message))),
        understood_by="model",
    )


@lru_cache(maxsize=4)
def _model(url: str, key: str, model: str, deadline_s: float, concurrency: int) -> ChatModel:
    from pydantic import SecretStr

    return ChatModel(
        LanguageServer(
            base_url=url, api_key=SecretStr(key), model=model, deadline_s=deadline_s, concurrency=concurrency
        )
    )


@lru_cache(maxsize=4)
def _prompt(name: str) -> str:
    return read_prompt(name, PROMPTS).system
