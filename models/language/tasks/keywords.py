"""Keywords of items: phrases of their own texts; a model adds aspects, moods and audience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from models.language.grounding import ungrounded
from models.language.writing.asking_params import Params
from models.language.writing.item_facts import item_facts
from models.language.writing.material import Material
from models.language.writing.task import Written

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class KeywordsAnswer(Written):
    """Short phrases in lower case."""

    keywords: list[Phrase] = Field(min_length=1, max_length=12)
    moods: list[Phrase] = Field(default=[], max_length=5)
    audience: list[Phrase] = Field(default=[], max_length=5)

    def all(self) -> list[str]:
        """Every phrase once, keywords first."""
        return list(dict.fromkeys(one.casefold() for one in [*self.keywords, *self.moods, *self.audience]))


class Keywords:
    """The part `keywords`."""

    name, subjects, Answer = "keywords", "items", KeywordsAnswer

    def local(self, material: Material, params: Params) -> list[Written | None]:
        return [KeywordsAnswer.model_construct(keywords=words) if words else None for words in material.keywords]

    def facts(self, material: Material, params: Params) -> Sequence[Mapping[str, Any] | None]:
        return [facts if len(facts) > 1 else None for facts in item_facts(material.items)]

    def ungrounded(self, answer: KeywordsAnswer, facts: Mapping[str, Any]) -> list[str]:
        return [stranger for phrase in answer.all() for stranger in ungrounded(f"the {phrase}", facts)]
