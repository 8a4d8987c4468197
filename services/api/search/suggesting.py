"""Handler of GET /suggest."""

from __future__ import annotations

import weakref
from threading import Lock

import numpy as np

from features.arrays import Float32
from models.data.types import Catalogue
from models.retrievers.popular import Popular
from services.api.search.suggest_messages import SuggestAnswer, Suggestion, SuggestQuery
from services.api.search.title_index import TitleIndex
from services.live.serving import Serving
from services.runtime import Runtime


class NewestIndex:
    """The index of the catalogue that was asked for last: another release, or an item that joins, makes another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._catalogue: weakref.ref[Catalogue] | None = None
        self._index = TitleIndex([])

    def of(self, catalogue: Catalogue) -> TitleIndex:
        with self._lock:
            if self._catalogue is None or self._catalogue() is not catalogue:
                self._index = TitleIndex(catalogue.titles)
                self._catalogue = weakref.ref(catalogue)
            return self._index


NEWEST = NewestIndex()


async def suggest(request: SuggestQuery, runtime: Runtime) -> SuggestAnswer:
    """GET /suggest: only items that may be offered now."""
    answer: SuggestAnswer = await runtime.beside(_suggest, runtime.serving(), request, runtime.live.at)
    return answer


def _suggest(serving: Serving, request: SuggestQuery, at: int | None) -> SuggestAnswer:
    catalogue = serving.recommender.catalogue
    found, mended = NEWEST.of(catalogue).find(request.q)
    unavailable = serving.unavailable(at if at is not None else serving.sessions.now())
    items = np.array(sorted(found), dtype=np.int64)
    if unavailable is not None:
        items = items[~unavailable[items]]
    best = items[np.argsort(-_popularity(serving)[items], kind="stable")][: request.limit].tolist()
    suggestions = [Suggestion(catalogue.vocabulary.item_ids[item], catalogue.titles[item] or "") for item in best]
    return SuggestAnswer(serving.release.release, suggestions, mended and bool(suggestions))


def _popularity(serving: Serving) -> Float32:
    """(n_items,) the scores of the release's first popularity retriever; 0 for later items, and where it has none."""
    popularity = np.zeros(serving.recommender.catalogue.n_items, dtype=np.float32)
    for part in serving.recommender.retrievers.values():
        if isinstance(part, Popular) and part.scores_ is not None:
            popularity[: len(part.scores_)] = part.scores_
            break
    return popularity
