"""A reason: the sentence of a shown item, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class OneReason:
    """Why an item is shown.

    sentence: as `models.explain.reasons` gives it; retriever: the one that it quotes, None for nobody; named: items of
    the history (positions) that it names → the share, in [0, 1], of the retriever's score that is lost without that
    one alone, NaN where the score is not positive; sources: retriever that offered the item → its share of the sum of
    reciprocal ranks; shares sum to 1, the greatest comes first.
    """

    sentence: str
    retriever: str | None
    named: Mapping[int, float]
    sources: Mapping[str, float]
