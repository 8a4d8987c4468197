"""Online recommender: a loaded bundle, prepared once, that answers one query at a time by compiled kernels."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, Bool, Float32, Int32
from features.states.aggregates import POSITION
from features.states.candidate_features import NAMES
from features.states.item_states import ItemInfo, ItemStates
from models.data.types import Catalogue
from models.exploration import ExploreParams, explore, key_of
from models.interfaces import Explains, Reranker, Retriever
from models.online import candidate_kernels
from models.online.answer import OneAnswer, OneCandidates
from models.online.best_products import MakeSearch, exact
from models.online.explaining.explainer import Explainer
from models.online.explaining.falls import FallsOf
from models.online.explaining.reason import OneReason
from models.online.per_user.kept_hits import MAX_BYTES, KeptHits
from models.online.retrieval import Answer, Profiles, Scratch, SequenceAnswer, is_kept, prepared
from models.online.user_features import UserRows
from models.retrieval.candidates import FUSION_CONSTANT, reciprocal_ranks
from models.single_query.one_query import OneHits, OneQuery

Clock = Callable[[], float]
N_POSITIVE = POSITION["n_positive"]


class OnlineRecommender:
    """The same lists as `Recommender.recommend`, of which tests/contract/test_online.py is the proof.

    Not changed after it was made, apart from the items' states that it reads; safe to use from several threads.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        retrievers: dict[str, Retriever],
        score: Callable[[Float32], Float32],
        reranker: Reranker,
        k: int,
        explore: ExploreParams,
        bundle: str,
        items: ItemStates,
        info: ItemInfo,
        make_search: MakeSearch = exact,
        kept_bytes: int = MAX_BYTES,
    ) -> None:
        """score: (n_rows, n_features) of one query's candidates → (n_rows,); make_search: see `prepared`; kept_bytes:
        of retrievers' lists for users who ask again."""
        self.catalogue, self.reranker, self.k = catalogue, reranker, k
        self.names = tuple(retrievers)
        self._retrievers = {name: prepared(part, name, make_search) for name, part in retrievers.items()}
        self._similar = tuple(name for name, part in retrievers.items() if isinstance(part, Explains))
        scorers = {
            name: answer.scorer for name, answer in self._retrievers.items() if isinstance(answer, SequenceAnswer)
        }
        self._scorers, self._explainer = scorers, Explainer(retrievers, catalogue, scorers)
        self._score, self._explore, self._bundle = score, explore, bundle
        self._items, self._info = items, info
        self._scratch, self._kept = threading.local(), KeptHits(kept_bytes)

    def with_parts(self, parts: Mapping[str, Retriever]) -> OnlineRecommender:
        """The same where some retrievers, none of them a transformer, have learned more; the prepared forms of the
        others, and what they hold of users, are shared."""
        other = copy(self)
        other._retrievers = {**self._retrievers, **{name: prepared(part, name) for name, part in parts.items()}}
        other._explainer, other._kept = self._explainer.with_parts(parts), KeptHits(self._kept.max_bytes)
        return other

    def forms_of(self, name: str) -> tuple[Answer, tuple[FallsOf, int] | None]:
        """A retriever's prepared forms: its answer, and the falls of its scores where it explains."""
        return self._retrievers[name], self._explainer.falls.get(name)

    def recommend(
        self,
        query: OneQuery,
        k: int,
        user: UserRows,
        *,
        deadline: float | None = None,
        clock: Clock = time.perf_counter,
    ) -> OneAnswer:
        """The k best items, in the order shown.

        deadline: an instant of `clock`; past it the parts that have not run yet are left out, and what has been
        retrieved is fused by reciprocal ranks. The list is as long as the catalogue allows in any case.
        """
        started = clock()
        stage_ms: dict[str, float] = {}
        candidates, left_out = self._candidates(query, self.names, self.k, deadline, clock)
        stage_ms["retrieve"] = (clock() - started) * 1000
        if left_out or (deadline is not None and clock() > deadline):
            return self._fused(query, k, candidates, (*left_out, "ranker"), stage_ms, self.names)
        before = clock()
        features = self._features(query, candidates, user)
        stage_ms["features"] = (clock() - before) * 1000
        before = clock()
        scores = self._score(features)
        stage_ms["rank"] = (clock() - before) * 1000
        before = clock()
        best = np.argsort(-scores, kind="stable")
        propensities = None
        order = self.reranker.order(candidates.items[best], scores[best], self.catalogue, k)
        if self._explore.slots > 0:
            key = key_of(self._bundle, query.user_id, query.at)
            order, propensities = explore(order, scores[best], self._explore, key)
            propensities = propensities[:k]
        stage_ms["rerank"] = (clock() - before) * 1000
        return OneAnswer(
            retrievers=self.names,
            candidates=candidates,
            features=features,
            scores=scores,
            shown=best[order][:k],
            propensities=propensities,
            left_out=(),
            stage_ms=stage_ms,
        )

    def explain(self, query: OneQuery, answer: OneAnswer) -> list[OneReason]:
        """(n_shown,) why each item is shown."""
        return self._explainer.reasons(query, answer)

    def users_in_memory(self) -> set[str]:
        """Ids of users of whom something is kept between queries."""
        sessions = {user_id for scorer in self._scorers.values() for user_id in scorer.cache.user_ids()}
        return sessions | set(self._kept.user_ids()) | set(self._explainer.kept.user_ids())

    def forget(self, user_id: str) -> None:
        """Drops what is kept of a user between queries."""
        for scorer in self._scorers.values():
            scorer.forget(user_id)
        self._kept.forget(user_id)
        self._explainer.kept.forget(user_id)

    def similar(self, item: int, k: int, blocked: Bool) -> OneAnswer:
        """The k items most like one (a position), by every retriever that explains from the history."""
        blocked = blocked.copy()
        blocked[item] = True
        items = np.array([item], dtype=np.int32)
        query = OneQuery.of_events("", 0, items, np.zeros(1, dtype=np.int64), blocked)
        candidates, _ = self._candidates(query, self._similar, self.k, None, time.perf_counter)
        return self._fused(query, k, candidates, (), {}, self._similar, fill=False)

    def _candidates(
        self, query: OneQuery, names: Sequence[str], k: int, deadline: float | None, clock: Clock
    ) -> tuple[OneCandidates, tuple[str, ...]]:
        """The merged lists of some retrievers, and the names of those that there was no time for."""
        profiles, scratch, is_whole = Profiles(query), self._own_scratch(), names is self.names
        kept = self._kept.find(query, k) if is_whole else {}
        hits: list[OneHits] = []
        left_out: list[str] = []
        for name in names:
            if name in kept:
                hits.append(kept[name])
            elif deadline is not None and clock() > deadline:
                left_out.append(name)
                hits.append(_nothing)
            else:
                hits.append(self._retrievers[name](profiles, k, scratch))
        if is_whole and not left_out:
            lists = {name: one for name, one in zip(names, hits, strict=True) if is_kept(self._retrievers[name])}
            if len(kept) < len(lists):
                self._kept.keep(query, k, lists, by_gap=self._scorers.keys())
        return self._merged(hits), tuple(left_out)

    def _merged(self, hits: Sequence[OneHits]) -> OneCandidates:
        ends = np.cumsum([len(one.items) for one in hits], dtype=np.int64)
        n_hits = int(ends[-1]) if len(ends) else 0
        items = np.empty(n_hits, dtype=np.int32)
        scores = np.empty((n_hits, len(hits)), dtype=np.float32)
        ranks = np.empty((n_hits, len(hits)), dtype=np.int32)
        if not n_hits:
            return OneCandidates(items=items, scores=scores, ranks=ranks)
        offered = np.concatenate([one.items for one in hits]), np.concatenate([one.scores for one in hits])
        n = candidate_kernels.merge(*offered, ends, self._rows(), items, scores, ranks)
        return OneCandidates(items=items[:n], scores=scores[:n], ranks=ranks[:n])

    def _features(self, query: OneQuery, candidates: OneCandidates, user: UserRows) -> Float32:
        """(n_candidates, n_features), as `models.ranking.features.features_of`."""
        info, n_events = self._info, query.n_events
        idle = max(query.at - int(query.times[-1]), 0) / MICROSECONDS_A_DAY if n_events else math.nan
        n_columns = 2 * len(self.names) + 3 + len(NAMES)
        features = np.empty((len(candidates), n_columns), dtype=np.float32)
        candidate_kernels.features(
            candidates.items,
            candidates.scores,
            candidates.ranks,
            idle,
            math.log1p(n_events),
            float(query.at),
            user.stats,
            self._items.states,
            info.codes,
            user.pairs,
            user.codes,
            info.prices,
            info.created_at,
            self._pairs(),
            features,
        )
        return features

    def _fused(
        self,
        query: OneQuery,
        k: int,
        candidates: OneCandidates,
        left_out: tuple[str, ...],
        stage_ms: dict[str, float],
        names: tuple[str, ...],
        *,
        fill: bool = True,
    ) -> OneAnswer:
        """The list in the order of reciprocal rank fusion; too short a one is filled with the most chosen items."""
        if fill and len(candidates) < k:
            candidates = self._filled(query, candidates, k)
        scores = reciprocal_ranks(candidates.ranks, FUSION_CONSTANT).sum(axis=1, dtype=np.float32)
        return OneAnswer(
            retrievers=names,
            candidates=candidates,
            features=np.zeros((0, 0), dtype=np.float32),
            scores=scores,
            shown=np.argsort(-scores, kind="stable")[:k],
            propensities=None,
            left_out=left_out,
            stage_ms=stage_ms,
        )

    def _filled(self, query: OneQuery, candidates: OneCandidates, k: int) -> OneCandidates:
        """Candidates with the items that most positives were of, as far as they are missing."""
        allowed = np.flatnonzero(~query.blocked)
        allowed = allowed[~np.isin(allowed, candidates.items)]
        chosen = np.nan_to_num(self._items.states[allowed, N_POSITIVE])
        more = allowed[np.argsort(-chosen, kind="stable")[: k - len(candidates)]].astype(np.int32)
        width = candidates.ranks.shape[1]
        return OneCandidates(
            items=np.concatenate([candidates.items, more]),
            scores=np.concatenate([candidates.scores, np.full((len(more), width), np.nan, dtype=np.float32)]),
            ranks=np.concatenate([candidates.ranks, np.zeros((len(more), width), dtype=np.int32)]),
        )

    def _own_scratch(self) -> Scratch:
        """This thread's."""
        scratch: Scratch | None = getattr(self._scratch, "kernels", None)
        if scratch is None:
            scratch = self._scratch.kernels = Scratch()
        return scratch

    def _rows(self) -> Int32:
        """(n_items,) -1."""
        if not hasattr(self._scratch, "rows"):
            self._scratch.rows = np.full(self.catalogue.n_items, -1, dtype=np.int32)
        rows: Int32 = self._scratch.rows
        return rows

    def _pairs(self) -> Int32:
        """(n_categories + 1,) -1."""
        if not hasattr(self._scratch, "pairs"):
            self._scratch.pairs = np.full(len(self._info.category_names) + 1, -1, dtype=np.int32)
        pairs: Int32 = self._scratch.pairs
        return pairs


_nothing = OneHits(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32))
