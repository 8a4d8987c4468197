"""Explainer: the reasons of one answer, for about what the answer costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from features.arrays import Float32, Int32
from models.data.types import Catalogue
from models.explain import (
    MOST_NAMED,
    NOBODY,
    STEP,
    in_turn,
    named_by,
    naming_sentence,
    newest_first,
    sentence_without_items,
)
from models.interfaces import CompilesQuery, Explains, HasReason, Retriever
from models.online.answer import OneAnswer
from models.online.explaining.falls import (
    FallsOf,
    batch_falls,
    dense_falls,
    projection_falls,
    propagation_falls,
    sequence_falls,
)
from models.online.explaining.kept_quotes import KeptQuotes, Key, Quote
from models.online.explaining.profiles_without import ProfilesWithout
from models.online.explaining.reason import OneReason
from models.online.sequential.sequence_scorer import SequenceScorer
from models.retrieval.candidates import FUSION_CONSTANT, reciprocal_ranks
from models.single_query.one_query import OneQuery
from models.single_query.query_plans import DenseScores, Projection, Propagation

FEW = 8  # items of a history that are left out at once where each one costs a computation of its own


class Explainer:
    """The reasons that `models.explain.reasons` gives, by the plans of the retrievers.

    An item of the history is named by the same rule and for the same falls of scores. The one difference: for
    retrievers without a closed form (`sequence`) the newest FEW items that are not tried yet are left
    out at a time, instead of STEP, until one does something; an older one that does more stays unnamed then
    (benchmarks/reasons.py prints how often). What is named lowers the score in any case.
    """

    def __init__(
        self, retrievers: Mapping[str, Retriever], catalogue: Catalogue, scorers: Mapping[str, SequenceScorer]
    ) -> None:
        """scorers: those of the retrievers with a `Sequential` plan, which share their sessions."""
        self._catalogue = catalogue
        self._sentences = {
            name: sentence_without_items(part)
            for name, part in retrievers.items()
            if isinstance(part, HasReason) and not isinstance(part, Explains)
        }
        explaining = {name: part for name, part in retrievers.items() if isinstance(part, Explains)}
        self._reasons = {name: part.reason for name, part in explaining.items()}
        self.falls = {name: _falls_of(part, scorers.get(name)) for name, part in explaining.items()}
        self.kept = KeptQuotes()
        self._impersonal = {name for name, part in retrievers.items() if getattr(part, "reason", "") == "popularity"}

    def with_parts(self, parts: Mapping[str, Retriever]) -> Explainer:
        """The same where some retrievers have learned more; what the others hold is shared."""
        other = copy(self)
        explaining = {name: part for name, part in parts.items() if isinstance(part, Explains)}
        other.kept = KeptQuotes()
        other.falls = {**self.falls, **{name: _falls_of(part, None) for name, part in explaining.items()}}
        return other

    def reasons(self, query: OneQuery, answer: OneAnswer) -> list[OneReason]:
        """(n_shown,) in the order shown."""
        sources, speaking = self._sources(answer), self._sentences.keys() | self._reasons.keys()
        past, profiles = newest_first(query.items), ProfilesWithout(query)
        kept, said = self.kept.find(query), dict[Key, Quote]()

        def quotes(name: str, places: list[int]) -> list[Quote]:
            rows = answer.shown[places]
            items = answer.candidates.items[rows]
            scores = answer.candidates.scores[rows, answer.retrievers.index(name)]
            keys: list[Key] = [(name, *key) for key in zip(items.tolist(), scores.tolist(), strict=True)]
            new = [place for place, key in enumerate(keys) if key not in kept]
            fresh = dict(zip(new, self._quotes(name, profiles, past, items[new], scores[new]), strict=True))
            given = [fresh[place] if place in fresh else kept[key] for place, key in enumerate(keys)]
            said.update(zip(keys, given, strict=True))
            return given

        given = in_turn([[name for name in shares if name in speaking] for shares in sources], quotes)
        self.kept.keep(query, said)
        return [
            OneReason(
                sentence=quote.sentence if quote else NOBODY,
                retriever=quote.retriever if quote else None,
                named=quote.named if quote else {},
                sources=shares,
            )
            for quote, shares in zip(given, sources, strict=True)
        ]

    def _sources(self, answer: OneAnswer) -> list[dict[str, float]]:
        """For each shown item the retrievers that offered it and their shares of its reciprocal ranks, the greatest
        first (ties: the more personal one)."""
        names = answer.retrievers
        order = sorted(range(len(names)), key=lambda column: (names[column] in self._impersonal, names[column]))
        ranks = answer.candidates.ranks[answer.shown]
        weights = reciprocal_ranks(ranks, FUSION_CONSTANT)
        shares = weights / np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        sources = []
        for row_ranks, row_shares in zip(ranks.tolist(), shares.tolist(), strict=True):
            offered = sorted((column for column in order if row_ranks[column] > 0), key=row_ranks.__getitem__)
            sources.append({names[column]: row_shares[column] for column in offered})
        return sources

    def _quotes(self, name: str, profiles: ProfilesWithout, past: Int32, items: Int32, scores: Float32) -> list[Quote]:
        if not len(items):
            return []
        if name in self._sentences:
            return [Quote(self._sentences[name], name, {})] * len(items)
        if not len(past):
            return [Quote("", name, {})] * len(items)
        reason, (falls_of, step) = self._reasons[name], self.falls[name]

        def falls(left_out: Sequence[Int32], asked: Int32) -> Float32:
            distinct, row = _distinct(left_out)
            return falls_of(profiles, distinct, asked)[row]

        named = named_by(falls, past, scores, items, step=step)
        return [
            Quote(
                naming_sentence(reason, self._catalogue, falls),
                name,
                {item: _share(fall, score) for item, fall in list(falls.items())[: MOST_NAMED[reason]]},
            )
            for falls, score in zip(named, scores.tolist(), strict=True)
        ]


def _falls_of(part: Explains, scorer: SequenceScorer | None) -> tuple[FallsOf, int]:
    """A retriever's falls, and how many items are left out at once."""
    ready: tuple[FallsOf, int] | None = getattr(part, "released_falls", None)  # models/new_items/released_part.py
    if ready is not None:
        return ready
    if scorer is not None:
        return sequence_falls(scorer), FEW
    plan = part.query_plan() if isinstance(part, CompilesQuery) else None
    makers: dict[type, tuple[Callable[[Any], FallsOf], int]] = {
        Propagation: (propagation_falls, STEP),
        Projection: (projection_falls, STEP),
        DenseScores: (dense_falls, STEP if getattr(plan, "versions", None) is not None else FEW),
    }
    if type(plan) in makers:
        make, step = makers[type(plan)]
        return make(plan), step
    return batch_falls(part), STEP


def _distinct(left_out: Sequence[Int32]) -> tuple[list[Int32], list[int]]:
    """Each set of items once, and where the given ones are among them: shown items often stand on the same pair."""
    place: dict[bytes, int] = {}
    rows = [place.setdefault(np.sort(items).tobytes(), len(place)) for items in left_out]
    first = dict(zip(reversed(rows), reversed(left_out), strict=True))
    return [first[row] for row in range(len(place))], rows


def _share(fall: float, score: float) -> float:
    return min(max(fall / score, 0.0), 1.0) if score > 0 else float("nan")
