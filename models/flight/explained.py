"""Why each shown item of a recorded answer stands where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Int32
from models.data.types import Queries
from models.explain import contributions, named_items
from models.flight.as_known import AsKnown
from models.flight.attribution import attribution
from models.flight.records.record import FlightRecord
from models.flight.replay import by_score
from models.interfaces import Explains
from models.recommender import Recommender
from models.retrieval.candidates import FUSION_CONSTANT, reciprocal_ranks


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One retriever's part in an item: rank from 1 and score that it gave, share in [0, 1] of the item's sum of
    reciprocal ranks over all retrievers."""

    retriever: str
    rank: int
    score: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Because:
    """An item of the history (a position) that an item stands on; share in [0, 1] of the retriever's score that is lost
    without it, None where the score is not positive."""

    item: int
    retriever: str
    share: float | None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One shown item. place, place_by_score: from 1, as shown and by the ranker alone; drawn: chance of the item at its
    place where it was drawn, else None; base, groups: what the score is the sum of, the greatest first (base None:
    nothing was recorded or the ranker had no time); exact: Shapley values without sampling."""

    item: int
    place: int
    place_by_score: int
    score: float
    drawn: float | None
    proposals: tuple[Proposal, ...]
    base: float | None
    groups: tuple[tuple[str, float], ...]
    exact: bool
    because: tuple[Because, ...]

    @property
    def moved(self) -> int:
        """Places that the reranker, or a draw, moved it up (positive) or down."""
        return self.place_by_score - self.place


def explained(known: AsKnown) -> list[Explanation]:
    """One explanation for each item of the list."""
    record, recommender = known.record, known.recommender
    rows, candidates = record.shown, record.candidates
    place_by_score = np.argsort(by_score(record.scores)) + 1
    has_features = bool(len(record.feature_rows)) and bool(len(rows))
    if has_features:
        kept = np.searchsorted(record.feature_rows, rows)
        parts = attribution(recommender.ranker, record.features[kept], record.feature_names)
    because = _because(record, recommender, known.query())
    explanations = []
    for place, row in enumerate(rows.tolist()):
        groups: list[tuple[str, float]] = []
        if has_features:
            groups = [(name, float(value)) for name, value in zip(parts.groups, parts.values[place], strict=True)]
        chance = None if record.propensities is None else float(record.propensities[place])
        explanations.append(
            Explanation(
                item=int(candidates.items[row]),
                place=place + 1,
                place_by_score=int(place_by_score[row]),
                score=float(record.scores[row]),
                drawn=chance if chance is not None and chance < 1.0 else None,
                proposals=_proposals(record, row),
                base=float(parts.base[place]) if has_features else None,
                groups=tuple(sorted(groups, key=lambda group: -abs(group[1]))),
                exact=has_features and parts.exact,
                because=because[place],
            )
        )
    return explanations


def _proposals(record: FlightRecord, row: int) -> tuple[Proposal, ...]:
    """The retrievers that offered a candidate, the one that did most for it first."""
    ranks, scores = record.candidates.ranks[row], record.candidates.scores[row]
    weights = reciprocal_ranks(ranks, FUSION_CONSTANT).astype(np.float64)
    order = [column for column in np.argsort(-weights, kind="stable").tolist() if ranks[column] > 0]
    return tuple(
        Proposal(
            retriever=record.retrievers[column],
            rank=int(ranks[column]),
            score=float(scores[column]),
            share=float(weights[column] / weights.sum()),
        )
        for column in order
    )


def _because(record: FlightRecord, recommender: Recommender, query: Queries) -> list[tuple[Because, ...]]:
    """For each shown item the items of the history that it stands on, by the first retriever that names one: those that
    did most for the item are asked first."""
    named: list[tuple[Because, ...]] = [() for _ in record.shown]
    if not query.history.n_events:
        return named
    proposals = [_proposals(record, row) for row in record.shown.tolist()]
    for turn in range(len(record.retrievers)):
        places_of: dict[str, list[int]] = {}
        for place, of_item in enumerate(proposals):
            if not named[place] and turn < len(of_item):
                places_of.setdefault(of_item[turn].retriever, []).append(place)
        for name, places in places_of.items():
            part = recommender.retrievers.get(name)
            if isinstance(part, Explains):
                items = record.candidates.items[record.shown[places]]
                for place, of_item in zip(places, _named_with_shares(part, name, query, items), strict=True):
                    named[place] = of_item
    return named


def _named_with_shares(part: Explains, name: str, query: Queries, items: Int32) -> list[tuple[Because, ...]]:
    names = named_items(part, query, items)
    left_out = sorted({past for of_item in names for past in of_item})
    if not left_out:
        return [() for _ in items]
    falls = contributions(part, query, [np.array([past], dtype=np.int32) for past in left_out], items)
    scores = part.scores_of(query, items)[0]
    return [
        tuple(
            Because(item=past, retriever=name, share=_share(falls[left_out.index(past), column], scores[column]))
            for past in of_item
        )
        for column, of_item in enumerate(names)
    ]


def _share(fall: float, score: float) -> float | None:
    if not np.isfinite(score) or score <= 0:
        return None
    return float(np.clip(fall / score, 0.0, 1.0))


def names_of(explanations: Sequence[Explanation]) -> set[int]:
    """Positions of all items that some explanations name."""
    return {one.item for one in explanations} | {past.item for one in explanations for past in one.because}
