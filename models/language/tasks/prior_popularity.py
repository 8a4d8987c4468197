"""Prior popularity of items: how many may know an item before anybody chose it, from 0 to 10."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from models.language.writing.asking_params import Params
from models.language.writing.item_facts import item_facts
from models.language.writing.material import Material
from models.language.writing.task import Written

SHRINKAGE = 3.0  # items of mean demand that each keyword counts beside those that have it


class PriorPopularityAnswer(Written):
    """0: nobody has heard of it; 10: everybody knows it."""

    known: float = Field(ge=0, le=10)


class PriorPopularity:
    """The part `prior_popularity`.

    Locally the mean over an item's keywords of the demand of the other items that have them; how many keywords there
    are, or how long the text is, never counts.
    """

    name, subjects, Answer = "prior_popularity", "items", PriorPopularityAnswer

    def local(self, material: Material, params: Params) -> list[Written | None]:
        demand = np.log1p(material.demand.astype(np.float64))
        mean, greatest = float(demand.mean()) if len(demand) else 0.0, float(demand.max(initial=0.0)) or 1.0
        sums: defaultdict[str, float] = defaultdict(float)
        counts: defaultdict[str, int] = defaultdict(int)
        for item, words in enumerate(material.keywords):
            for word in words:
                sums[word] += float(demand[item])
                counts[word] += 1
        written: list[Written | None] = []
        for item, words in enumerate(material.keywords):
            others = [
                (sums[word] - float(demand[item]) + SHRINKAGE * mean) / (counts[word] - 1 + SHRINKAGE) for word in words
            ]
            known = 10 * (float(np.mean(others)) if others else mean) / greatest
            written.append(PriorPopularityAnswer.model_construct(known=round(known, 2)))
        return written

    def facts(self, material: Material, params: Params) -> Sequence[Mapping[str, Any] | None]:
        """The title and what kind of thing it is: a description may praise itself."""
        return [
            {name: facts[name] for name in ("title", "category") if name in facts} if "title" in facts else None
            for facts in item_facts(material.items)
        ]

    def ungrounded(self, answer: PriorPopularityAnswer, facts: Mapping[str, Any]) -> list[str]:
        return []
