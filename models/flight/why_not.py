"""Why an item is not in a recorded list: never offered, filtered, scored too low, or moved out by diversity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from models.data.types import Queries
from models.flight.as_known import AsKnown
from models.flight.attribution import attribution
from models.flight.hypothetical import ItemRow, item_row, looked_up
from models.flight.records.record import FlightRecord
from models.flight.replay import by_score, ordered
from models.flight.smallest_change import Change, smallest_change
from models.online.answer import OneCandidates
from models.recommender import Recommender
from models.retrieval.candidates import candidates_of

Kind = Literal["shown", "not_a_candidate", "filtered", "scored", "moved"]
DEEPEST = 10_000  # ranks beyond it are not looked for


@dataclass(frozen=True, kw_only=True)
class WhyNot:
    """kind: what kept the item out; place: of a shown item, from 1; filters: what stood against it (as_known.py);
    ranks: its rank by each retriever, without filters, None beyond 10,000 or where the retriever does not know it;
    place_by_score: from 1 among the candidates; score, least_score: its own, and the lowest of the list's; held_down:
    groups of features by how much less they add than for the items shown, the most first; change: the smallest that
    would have shown it, None: none was found; recorded: whether all its features were recorded, else some are of now.
    """

    kind: Kind
    place: int | None = None
    filters: tuple[str, ...] = ()
    ranks: dict[str, int | None]
    place_by_score: int | None = None
    score: float | None = None
    least_score: float | None = None
    held_down: tuple[tuple[str, float], ...] = ()
    change: Change | None = None
    place_without_filters: int | None = None
    recorded: bool = True


def why_not(known: AsKnown, item: int) -> WhyNot:
    """The answer for one item (a position)."""
    record, recommender, lookup = known.record, known.recommender, known.lookup
    row = record.row_of(item)
    if row is not None and row in record.shown:
        shown = WhyNot(kind="shown", place=record.shown.tolist().index(row) + 1, ranks=_recorded_ranks(record, row))
        return _with_scores(shown, record, row)
    if row is None:
        filters = known.reasons_against(item)
        ranks = _ranks(recommender, record.retrievers, known.query(), item)
        if filters:
            place = _place_without(known, filters, item)
            return WhyNot(kind="filtered", filters=tuple(filters), ranks=ranks, place_without_filters=place)
        one = item_row(record, recommender, lookup, item)
        change = smallest_change(one, recommender, lookup)
        return WhyNot(kind="not_a_candidate", ranks=ranks, change=change, recorded=False)
    one = item_row(record, recommender, lookup, item)
    moved = bool((record.scores[record.shown] < record.scores[row]).any())
    answer = WhyNot(
        kind="moved" if moved else "scored",
        ranks=_recorded_ranks(record, row),
        held_down=_held_down(one, recommender),
        change=smallest_change(one, recommender, lookup),
        recorded=one.recorded,
    )
    return _with_scores(answer, record, row)


def _with_scores(answer: WhyNot, record: FlightRecord, row: int) -> WhyNot:
    place = int(np.flatnonzero(by_score(record.scores) == row)[0]) + 1
    least = float(record.scores[record.shown].min()) if len(record.shown) else None
    return replace(answer, place_by_score=place, score=float(record.scores[row]), least_score=least)


def _recorded_ranks(record: FlightRecord, row: int) -> dict[str, int | None]:
    ranks = record.candidates.ranks[row].tolist()
    return {name: rank or None for name, rank in zip(record.retrievers, ranks, strict=True)}


def _ranks(recommender: Recommender, names: Sequence[str], query: Queries, item: int) -> dict[str, int | None]:
    """By each retriever, had nothing been filtered but what lies beyond the item itself."""
    excluded = query.excluded.values[query.excluded.values != item]
    unavailable = None if query.unavailable is None else query.unavailable.copy()
    if unavailable is not None:
        unavailable[item] = False
    free = replace(query, excluded=type(query.excluded).one_row(excluded), unavailable=unavailable)
    ranks: dict[str, int | None] = {}
    for name in names:
        part = recommender.retrievers.get(name)
        if part is None:
            continue
        hits = part.retrieve(free, min(DEEPEST, recommender.catalogue.n_items)).items[0]
        places = np.flatnonzero(hits == item)
        ranks[name] = int(places[0]) + 1 if len(places) else None
    return ranks


def _held_down(one: ItemRow, recommender: Recommender) -> tuple[tuple[str, float], ...]:
    """Groups that add less to the item's score than to the mean of the shown items', the greatest gap first."""
    record = one.record
    if not len(record.feature_rows) or not len(record.shown):
        return ()
    shown = record.features[np.searchsorted(record.feature_rows, record.shown)]
    parts = attribution(recommender.ranker, np.concatenate([one.features[None, :], shown]), record.feature_names)
    gaps = parts.values[0] - parts.values[1:].mean(axis=0)
    held = [(name, float(gap)) for name, gap in zip(parts.groups, gaps, strict=True) if gap < 0]
    return tuple(sorted(held, key=lambda group: group[1]))


def _place_without(known: AsKnown, filters: Sequence[str], item: int) -> int | None:
    """The item's place, from 1, had these filters not stood against this one item; None: not shown then either.

    All retrievers are asked again; features that the record has are the recorded ones, others those of now.
    """
    record, recommender = known.record, known.recommender
    query, freed = known.query(), known.query(drop=filters)
    others = query.excluded.values[query.excluded.values != item]
    unavailable = None if query.unavailable is None else query.unavailable.copy()
    if unavailable is not None:
        unavailable[item] = freed.unavailable is not None and freed.unavailable[item]
    query = replace(query, excluded=type(query.excluded).one_row(others), unavailable=unavailable)
    found = candidates_of(
        {name: recommender.retrievers[name] for name in record.retrievers if name in recommender.retrievers},
        query,
        recommender.k,
        recommender.catalogue.n_items,
    )
    candidates = OneCandidates(items=found.item, scores=found.scores, ranks=found.ranks)
    whole = replace(record, retrievers=found.retrievers, candidates=candidates)
    features = looked_up(whole, known.lookup, candidates)
    again = replace(whole, scores=recommender.ranker.score(features))
    shown = ordered(again, again.scores, recommender)
    places = np.flatnonzero(candidates.items[shown] == item)
    return int(places[0]) + 1 if len(places) else None
