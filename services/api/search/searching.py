"""Handler of POST /search: words and vectors together, and the user's own list where they are known."""

from __future__ import annotations

import time

import numpy as np

from features.arrays import Bool, Float32, Int64
from models.language.search.item_search import Fit, ItemSearch
from models.language.search.text_index import best_first
from models.online.answer import OneAnswer
from services.access.deadline import current_deadline
from services.api.answers import RecommendedItem
from services.api.lists.query import unavailable_for
from services.api.lists.shown import add_details
from services.api.search.search_messages import SearchAnswer, SearchRequest
from services.live.catalogue_texts import CatalogueWords
from services.live.serving import Serving
from services.live.users.session import Session
from services.runtime import Runtime

FOUND = 200  # items that a user's own taste may reorder
FUSION, PERSONAL_SHARE = 20, 0.5  # of reciprocal rank fusion: its constant, and the weight of the user's list


async def words_for(serving: Serving, runtime: Runtime) -> CatalogueWords:
    """The words of a release as it is now; who asks first waits until they are indexed."""
    catalogue = serving.recommender.catalogue
    kept = serving.catalogue_texts.kept(catalogue)
    if kept is not None:
        return kept
    made: CatalogueWords = await runtime.beside(serving.catalogue_texts.words, catalogue)
    return made


async def search(request: SearchRequest, runtime: Runtime) -> SearchAnswer:
    """POST /search: only items that may be offered now; those that the user refused stay out."""
    started = time.perf_counter()
    serving = runtime.serving()
    items = (await words_for(serving, runtime)).search
    session = None
    if request.user_id is not None:
        session = await runtime.arrive(serving, serving.stored_id(request.user_id))
    answer: SearchAnswer = await runtime.ask(_search, serving, items, request, session, runtime.live.at)
    answer.took_ms = round((time.perf_counter() - started) * 1000, 3)
    return answer


def _search(
    serving: Serving, items: ItemSearch, request: SearchRequest, session: Session | None, at: int | None
) -> SearchAnswer:
    catalogue = serving.recommender.catalogue
    instant = at if at is not None else serving.sessions.now()
    unavailable = unavailable_for(serving, request.filter, instant)
    allowed = np.ones(catalogue.n_items, dtype=np.bool_) if unavailable is None else ~unavailable
    session = session.within(catalogue.n_items) if session is not None else None
    if session is not None:
        allowed[session.refused] = False
    fit = items.fit(request.query)
    found = best_first(fit.scores, allowed, max(FOUND, request.k))
    answer = None
    if session is not None and session.n_events and len(found):
        answer = own_list(serving, session, instant, found)
        found, scores = _fused(found, answer.items.astype(np.int64))
    else:
        scores = fit.scores[found]
    shown = listed(serving, fit, found[: request.k], scores, answer)
    if request.details:
        add_details(serving, shown)
    return SearchAnswer(serving.release.release, request.query, answer is not None, shown, 0.0)


def own_list(serving: Serving, session: Session, at: int, found: Int64) -> OneAnswer:
    """What the recommender makes of some items alone, seen ones too, for a user."""
    elsewhere: Bool = np.ones(serving.recommender.catalogue.n_items, dtype=np.bool_)
    elsewhere[found] = False
    query = session.query(at, unavailable=elsewhere, include_seen=True)
    return serving.online.recommend(query, len(found), session.user_rows(), deadline=current_deadline())


def _fused(found: Int64, own: Int64) -> tuple[Int64, Float32]:
    """Both orders together by reciprocal ranks: items and scores, best first."""
    ranks = {item: rank for rank, item in enumerate(own.tolist(), 1)}
    personal = np.array([1 / (FUSION + ranks[item]) if item in ranks else 0.0 for item in found.tolist()])
    fused = 1 / (FUSION + np.arange(1, len(found) + 1)) + PERSONAL_SHARE * personal
    order = np.argsort(-fused, kind="stable")
    return found[order], fused[order].astype(np.float32)


def listed(
    serving: Serving, fit: Fit, found: Int64, scores: Float32, answer: OneAnswer | None
) -> list[RecommendedItem]:
    """Some items as they are sent, with what found each; answer: the user's list of them, where there is one."""
    catalogue = serving.recommender.catalogue
    row_of = {} if answer is None else {item: row for row, item in enumerate(answer.candidates.items.tolist())}
    items = []
    for place, item in enumerate(found.tolist()):
        sources = ["words"] * bool(fit.by_words[item] > 0) + ["vectors"] * bool(fit.by_vectors[item] > 0)
        if answer is not None and item in row_of:
            ranks = answer.candidates.ranks[row_of[item]].tolist()
            sources += [name for _, name in sorted((r, n) for r, n in zip(ranks, answer.retrievers, strict=True) if r)]
        items.append(
            RecommendedItem(
                catalogue.vocabulary.item_ids[item],
                catalogue.titles[item],
                place + 1,
                float(scores[place]),
                sources=sources,
            )
        )
    return items
