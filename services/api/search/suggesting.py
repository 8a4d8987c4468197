"""Handler of GET /suggest."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
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
        self._titles = self._keywords = TitleIndex([])

    def of(self, catalogue: Catalogue, keywords: Sequence[Sequence[str]]) -> tuple[TitleIndex, TitleIndex]:
        """Of the titles, and of the keywords; keywords: of each released item, or empty."""
        with self._lock:
            if self._catalogue is None or self._catalogue() is not catalogue:
                self._titles = TitleIndex(catalogue.titles)
                self._keywords = TitleIndex([" ".join(of_item) for of_item in keywords])
                self._catalogue = weakref.ref(catalogue)
            return self._titles, self._keywords


NEWEST = NewestIndex()


async def suggest(request: SuggestQuery, runtime: Runtime) -> SuggestAnswer:
    """GET /suggest: only items that may be offered now."""
    answer: SuggestAnswer = await runtime.beside(_suggest, runtime.serving(), request, runtime.live.at)
    return answer


def _suggest(serving: Serving, request: SuggestQuery, at: int | None) -> SuggestAnswer:
    catalogue = serving.recommender.catalogue
    titles, keywords = NEWEST.of(catalogue, serving.texts.keywords)
    by_title, mended = titles.find(request.q)
    by_keyword, mended_keyword = (set(), False) if mended and by_title else keywords.find(request.q)
    mended = mended or (mended_keyword and not by_title)
    unavailable = serving.unavailable(at if at is not None else serving.sessions.now())
    popularity, best = _popularity(serving), list[int]()
    for found in (by_title, set() if mended_keyword and by_title else by_keyword - by_title):
        items = np.array(sorted(found), dtype=np.int64)
        if unavailable is not None:
            items = items[~unavailable[items]]
        best += items[np.argsort(-popularity[items], kind="stable")].tolist()
    best = best[: request.limit]
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
