"""Reasons: a sentence for each shown item, from the retriever that did most for it and the history it used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from features.arrays import Float32, Int32
from models.data.types import Catalogue, Queries, Slate
from models.interfaces import Retriever

_popular = ("Popular now", "Popular this week", "Popular this month", "Popular this year", "Popular")
_popular_days = (3.0, 10.0, 60.0, 400.0)


def reasons(
    retrievers: Mapping[str, Retriever], catalogue: Catalogue, queries: Queries, slate: Slate
) -> list[list[str]]:
    """(n_queries, k) sentences; "" for an empty place."""
    told = []
    for query in range(len(queries)):
        history = _distinct(queries.history(query))
        row = []
        for place, item in enumerate(slate.items[query]):
            if item < 0:
                row.append("")
                continue
            sources = dict(zip(slate.retrievers, slate.sources[query, place].tolist(), strict=True))
            row.append(reason(retrievers, catalogue, history, int(item), sources))
        told.append(row)
    return told


def reason(
    retrievers: Mapping[str, Retriever],
    catalogue: Catalogue,
    history: Int32,
    item: int,
    sources: Mapping[str, float],
) -> str:
    """The sentence of the retriever that contributed most (ties: the more personal one); those that offered nothing
    are not named."""
    offered = [name for name, value in sources.items() if value == value]
    for name in sorted(offered, key=lambda name: (-sources[name], name == "popular", name)):
        if sentence := _sentence(name, retrievers.get(name), catalogue, history, item):
            return sentence
    return "Picked for you"


def _sentence(name: str, retriever: Retriever | None, catalogue: Catalogue, history: Int32, item: int) -> str:
    if name == "popular":
        return _popular_sentence(getattr(getattr(retriever, "params", None), "half_life_days", None))
    if name == "user_knn":
        return "Chosen by people with a history like yours"
    if name == "social":
        return "Chosen by people you know"
    telling = getattr(retriever, "contributions", None)
    if telling is None or not len(history):
        return ""
    titles = _most_telling(telling(history, item), history, catalogue)
    if not titles:
        return ""
    if name in ("text", "cold_items"):
        return f"Similar description to {titles[0]}"
    return f"Because of {' and '.join(titles)} in your history"


def _popular_sentence(half_life_days: float | None) -> str:
    if half_life_days is None:
        return _popular[-1]
    return _popular[int(np.searchsorted(_popular_days, half_life_days))]


def _most_telling(values: Float32, history: Int32, catalogue: Catalogue) -> list[str]:
    """At most two items of the history that contributed most, the second only if it did at least half as much."""
    order = np.argsort(-values, kind="stable")[:2]
    best = float(values[order[0]])
    kept = [place for place in order if values[place] > 0 and float(values[place]) >= 0.5 * best]
    return [_title(catalogue, int(history[place])) for place in kept]


def _title(catalogue: Catalogue, item: int) -> str:
    return f"“{catalogue.titles[item] or catalogue.vocabulary.item_ids[item]}”"


def _distinct(history: Int32) -> Int32:
    """Each item once, newest first: of equal contributions the newer is named."""
    newest_first = history[::-1]
    _, first = np.unique(newest_first, return_index=True)
    return newest_first[np.sort(first)]
