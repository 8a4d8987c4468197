"""Description of items that have hardly any: sentences from attributes; a model makes prose of the same facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints

from models.language.grounding import ungrounded
from models.language.writing.asking_params import Params
from models.language.writing.item_facts import item_facts
from models.language.writing.material import Material
from models.language.writing.task import Written


class DescriptionAnswer(Written):
    """A few sentences."""

    description: Annotated[str, StringConstraints(min_length=10, max_length=1200)]


class Description:
    """The part `description`; nothing is written of an item that is described already."""

    name, subjects, Answer = "description", "items", DescriptionAnswer

    def local(self, material: Material, params: Params) -> list[Written | None]:
        return [
            DescriptionAnswer.model_construct(description=text) if facts and (text := sentences(facts)) else None
            for facts in self.facts(material, params)
        ]

    def facts(self, material: Material, params: Params) -> Sequence[Mapping[str, Any] | None]:
        titles = material.titles
        given: list[Mapping[str, Any] | None] = []
        for item, facts in enumerate(item_facts(material.items)):
            if len(facts.get("description", "")) >= max(1, params.short_text) or not facts:
                given.append(None)
                continue
            along = [titles[other] for other in material.chosen_along[item] if titles[other]]
            given.append(facts | ({"chosen_along": along} if along else {}))
        return given

    def ungrounded(self, answer: DescriptionAnswer, facts: Mapping[str, Any]) -> list[str]:
        return ungrounded(answer.description, facts)


def sentences(facts: Mapping[str, Any]) -> str:
    """The facts as sentences; "" where there is no more than a title."""
    told = []
    name = facts.get("title") or "This item"
    tags = [tag for tag in facts.get("tags", []) if tag != facts.get("category")]
    if "category" in facts:
        told.append(f"{name}: {facts['category']}" + (f", with {listed(tags)}" if tags else ""))
    elif tags:
        told.append(f"{name}: {listed(tags)}")
    if "description" in facts:
        told.append(facts["description"].rstrip("."))
    if "price" in facts:
        told.append(f"It costs {facts['price']:g}")
    if "chosen_along" in facts:
        told.append(f"It is often chosen along with {listed(facts['chosen_along'])}")
    return "".join(f"{sentence}. " for sentence in told).strip()


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
