"""Reasons: a sentence for each shown item, from the retriever that did most for it and the history it used.

An item of the history is named only if it holds: without it, the retriever that is quoted scores the shown item lower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from features.arrays import Float32, Int32, Int64
from models.data.ragged import Ragged
from models.data.types import Catalogue, Queries, Slate
from models.interfaces import Explains, HasPeriod, HasReason, Reason, Retriever

NOBODY = "Picked for you"
SENTENCES = {
    "history": "Because of {items} in your history",
    "description": "Similar description to {items}",
    "people_alike": "Chosen by people with a history like yours",
    "friends": "Chosen by people you know",
}
MOST_NAMED = {"history": 2, "description": 1}
STEP = 32  # distinct items of a history that are left out at once, the newest first
STEPS = 4  # as many times at most
ROUNDING = 1e-5  # of the greatest score of a list: a fall no greater is none
_popular = ("Popular now", "Popular this week", "Popular this month", "Popular this year", "Popular")
_popular_days = (3.0, 10.0, 60.0, 400.0)


def reasons(
    retrievers: Mapping[str, Retriever], catalogue: Catalogue, queries: Queries, slate: Slate
) -> list[list[str]]:
    """(n_queries, k) sentences; "" for an empty place."""
    return [
        _of_query(retrievers, catalogue, queries.part(query, query + 1), slate, query) for query in range(len(queries))
    ]


def contributions(part: Explains, query: Queries, left_out: Sequence[Int32], items: Int32) -> Float32:
    """(n_left_out, n_items) by how much the part's score of an item falls without some items of the history.

    query: a batch of one; left_out: distinct items each, every event of them is left out. inf where the part would not
    offer the item without them, 0 where it offers it in neither case. Neither the order of `left_out` nor that of
    `items` matters.
    """
    whole, rest = part.scores_of(query, items), part.scores_of(without(query, left_out), items)
    in_neither = np.isneginf(whole) & np.isneginf(rest)
    return np.subtract(whole, rest, out=np.zeros_like(rest), where=~in_neither)


def without(query: Queries, left_out: Sequence[Int32]) -> Queries:
    """One query, a batch of one, as often as there are items to leave out of its history; nothing is excluded."""
    n, past = len(left_out), query.history.items.values
    kept: Ragged[np.int64] = Ragged.of_rows([np.flatnonzero(~np.isin(past, items)) for items in left_out], np.int64)
    return Queries(
        user_ids=np.repeat(query.user_ids, n),
        at=np.repeat(query.at, n),
        history=query.history.take(kept),
        excluded=Ragged.empty_rows(n, np.int32),
        unavailable=query.unavailable,
    )


def named_items(part: Explains, query: Queries, items: Int32) -> list[list[int]]:
    """For each item the at most two items of the history without which the part scores it lower, the strongest first.

    A second one is named if it alone does at least half as much and both together do more. Of equal ones the newer is
    named; where none of the newest items of a long history does anything, the older ones are tried.
    """

    def falls_of(left_out: Sequence[Int32], items: Int32) -> Float32:
        return contributions(part, query, left_out, items)

    past = newest_first(query.history.items.values)
    return [list(falls) for falls in named_by(falls_of, past, part.scores_of(query, items)[0], items)]


Falls = Callable[[Sequence[Int32], Int32], Float32]


def named_by(
    falls_of: Falls, past: Int32, scores: Float32, items: Int32, *, step: int = STEP
) -> list[dict[int, float]]:
    """What `named_items` names, and by how much the score falls without each one.

    falls_of: as `contributions` of one part and query, NaN where it is not known; past: distinct items of the history,
    the newest first; scores: (n_items,) of the whole history; step: distinct items that are left out at once.
    """
    named: list[dict[int, float]] = [{} for _ in items]
    least = ROUNDING * float(np.abs(scores[np.isfinite(scores)]).max(initial=0.0))
    for start in range(0, min(len(past), step * STEPS), step):
        open_places = np.array([place for place, items_named in enumerate(named) if not items_named], dtype=np.int64)
        if not len(open_places):
            break
        _name(falls_of, past[start : start + step], items, open_places, least, named)
    return named


def _name(
    falls_of: Falls, past: Int32, items: Int32, places: Int64, least: float, named: list[dict[int, float]]
) -> None:
    """Fills `named` at some places from some items of the history whose scores fall by more than `least`."""
    falls = falls_of([past[[place]] for place in range(len(past))], items[places])
    pairs: list[tuple[int, Int64, Float32]] = []
    for place, fall in zip(places.tolist(), falls.T, strict=True):
        order = np.argsort(-fall, kind="stable")[:2]
        best = float(fall[order[0]])
        if best > least:
            named[place] = {int(past[order[0]]): best}
            if len(order) == 2 and fall[order[1]] >= 0.5 * best:
                pairs.append((place, order, fall[order]))
    if pairs:
        together = falls_of([past[order] for _, order, _ in pairs], items)
        for row, (place, order, alone) in enumerate(pairs):
            if together[row, place] > float(alone[0]) + least:
                named[place] = dict(zip(past[order].tolist(), alone.tolist(), strict=True))


def _of_query(
    retrievers: Mapping[str, Retriever], catalogue: Catalogue, query: Queries, slate: Slate, row: int
) -> list[str]:
    """(k,) sentences of one query; "" for an empty place."""
    items = slate.items[row]
    sources = [
        _by_contribution(retrievers, slate.retrievers, slate.sources[row, place]) if item >= 0 else []
        for place, item in enumerate(items.tolist())
    ]

    def sentences_of(name: str, places: list[int]) -> list[str]:
        part = retrievers[name]
        if isinstance(part, Explains):
            named = named_items(part, query, items[places]) if query.history.n_events else [[] for _ in places]
            return [naming_sentence(part.reason, catalogue, of_item) for of_item in named]
        return [sentence_without_items(part)] * len(places)

    sentences = in_turn(sources, sentences_of)
    return ["" if item < 0 else sentence or NOBODY for item, sentence in zip(items.tolist(), sentences, strict=True)]


R = TypeVar("R")


def in_turn(sources: Sequence[Sequence[str]], reasons_of: Callable[[str, list[int]], list[R]]) -> list[R | None]:
    """The reason of each place: the retrievers that offered its item are asked in turn, until one has a reason.

    sources: names of each place's retrievers, the first to ask first; reasons_of: a retriever's reasons for some
    places, an empty one where it has none.
    """
    given: list[R | None] = [None] * len(sources)
    for turn in range(max((len(names) for names in sources), default=0)):
        places_of: dict[str, list[int]] = {}
        for place, names in enumerate(sources):
            if turn < len(names) and not given[place]:
                places_of.setdefault(names[turn], []).append(place)
        for name, places in places_of.items():
            for place, reason in zip(places, reasons_of(name, places), strict=True):
                given[place] = reason
    return given


def _by_contribution(retrievers: Mapping[str, Retriever], names: Sequence[str], shares: Float32) -> list[str]:
    """Names of the retrievers that offered an item and have a reason, the greatest contribution first (ties: the more
    personal one)."""
    share_of = {name: share for name, share in zip(names, shares.tolist(), strict=True) if share == share}
    reason_of = {name: part.reason for name, part in retrievers.items() if isinstance(part, HasReason)}
    offered = [name for name in share_of if name in reason_of]
    return sorted(offered, key=lambda name: (-share_of[name], reason_of[name] == "popularity", name))


def naming_sentence(reason: Reason, catalogue: Catalogue, named: Iterable[int]) -> str:
    """The sentence that names items of the history; "" without any."""
    titles = [_title(catalogue, item) for item in named][: MOST_NAMED[reason]]
    return SENTENCES[reason].format(items=" and ".join(titles)) if titles else ""


def sentence_without_items(part: Retriever) -> str:
    """The sentence of a retriever that names no items."""
    if isinstance(part, HasReason) and part.reason != "popularity":
        return SENTENCES[part.reason]
    return _popular_sentence(part.period_days if isinstance(part, HasPeriod) else None)


def _popular_sentence(period_days: float | None) -> str:
    return _popular[-1] if period_days is None else _popular[int(np.searchsorted(_popular_days, period_days))]


def _title(catalogue: Catalogue, item: int) -> str:
    return f"“{catalogue.titles[item] or catalogue.vocabulary.item_ids[item]}”"


def newest_first(history: Int32) -> Int32:
    """Each item of a history once, the newest first."""
    reversed_history = history[::-1]
    _, first = np.unique(reversed_history, return_index=True)
    return reversed_history[np.sort(first)]
