"""Reason: a clause that says what an item is about, for sentences such as "Because of … in your history: …"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints

from models.language.grounding import ungrounded
from models.language.tasks.description import listed
from models.language.writing.asking_params import Params
from models.language.writing.item_facts import item_facts
from models.language.writing.material import Material
from models.language.writing.task import Written

NAMED = 3  # keywords


class ReasonAnswer(Written):
    """A few words."""

    clause: Annotated[str, StringConstraints(min_length=3, max_length=120)]


class ReasonClause:
    """The part `reason`."""

    name, subjects, Answer = "reason", "items", ReasonAnswer

    def local(self, material: Material, params: Params) -> list[Written | None]:
        return [
            ReasonAnswer.model_construct(clause=listed(words[:NAMED])) if words else None for words in material.keywords
        ]

    def facts(self, material: Material, params: Params) -> Sequence[Mapping[str, Any] | None]:
        given = zip(item_facts(material.items), material.keywords, strict=True)
        return [{**facts, "keywords": words, "style": params.style} if facts else None for facts, words in given]

    def ungrounded(self, answer: ReasonAnswer, facts: Mapping[str, Any]) -> list[str]:
        said = {name: value for name, value in facts.items() if name != "style"}
        return ungrounded(f"the {answer.clause}", said)
