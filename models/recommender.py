"""Recommender: retrieve, look up, rank, rerank; the same four statements offline and online."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.arrays import Bool, Float32
from features.errors import UserError
from features.positives import DEFAULT_POSITIVES, Positives
from models.data.ragged import Ragged
from models.data.types import Candidates, Catalogue, History, Queries, Slate
from models.explain import reasons
from models.exploration import ExploreParams, explore, key_of
from models.interfaces import Explains, FeatureLookup, Reranker, Retriever, Scores
from models.ranking.features import feature_names, features_of, query_features
from models.ranking.newcomers import NewcomersInOrder
from models.registry import make
from models.release.bundle import MANIFEST, read_manifest
from models.release.plan import load_catalogue, read_part, read_plan
from models.retrieval.candidates import FUSION_CONSTANT, candidates_of, reciprocal_ranks

LONG = 100  # lists up to this length come from `retrieve.k` candidates a retriever, whether judged or served
LONGEST = 500  # what follows in longer lists comes from so many


@dataclass(kw_only=True)
class Recommender:
    """One fitted recommender; not changed after load, safe to use from several threads."""

    catalogue: Catalogue
    retrievers: Mapping[str, Retriever]
    ranker: Scores
    reranker: Reranker
    lookup: FeatureLookup
    k: int
    positives: Positives = DEFAULT_POSITIVES
    explore: ExploreParams = field(default_factory=ExploreParams)
    bundle: str = ""  # its hash, part of the seed of exploration

    def recommend(self, queries: Queries, k: int, *, lookup: FeatureLookup | None = None) -> Slate:
        """The k best items of each query, in the order shown; lookup: a view of `self.lookup` for these queries."""
        if k > LONG:
            return self._recommend_more(queries, k, lookup)
        candidates = candidates_of(self.retrievers, queries, self.k, self.catalogue.n_items)
        features = features_of(candidates, queries.user_ids, queries.at, query_features(queries), lookup or self.lookup)
        scores = self.ranker.score(features)
        return self._slate(candidates, scores, queries, k, reranker=self.reranker)

    def _recommend_more(self, queries: Queries, k: int, lookup: FeatureLookup | None) -> Slate:
        """The list of LONG, which every longer one begins with, and what follows in the ranker's order."""
        first = self.recommend(queries, LONG, lookup=lookup)
        candidates = candidates_of(self.retrievers, queries, max(self.k, LONGEST, k), self.catalogue.n_items)
        features = features_of(candidates, queries.user_ids, queries.at, query_features(queries), lookup or self.lookup)
        scores = self.ranker.score(features)
        return lengthened(first, self._slate(candidates, scores, queries, LONG + k, reranker=None), k)

    def similar(self, item: int, k: int, *, unavailable: Bool | None = None) -> Slate:
        """The k items most like one (a position), by every retriever that explains from the history."""
        items: Ragged[np.int32] = Ragged.one_row(np.array([item], dtype=np.int32))
        query = Queries(
            user_ids=np.array([""], dtype=np.str_),
            at=np.array([0], dtype=np.int64),
            history=History(items=items, times=np.array([0], dtype=np.int64), weights=np.ones(1, dtype=np.float32)),
            excluded=items,
            unavailable=unavailable,
        )
        slate = self._similar(query, min(k, LONG), self.k)
        return slate if k <= LONG else lengthened(slate, self._similar(query, LONG + k, max(self.k, LONGEST, k)), k)

    def _similar(self, query: Queries, k: int, n_candidates: int) -> Slate:
        tellers = {name: part for name, part in self.retrievers.items() if isinstance(part, Explains)}
        candidates = candidates_of(tellers, query, n_candidates, self.catalogue.n_items)
        scores = reciprocal_ranks(candidates.ranks, FUSION_CONSTANT).sum(axis=1, dtype=np.float32)
        return self._slate(candidates, scores, query, k, reranker=None)

    def explain(self, queries: Queries, slate: Slate) -> list[list[str]]:
        """A sentence for each shown item, from its actual sources and their contributions; "" for an empty place."""
        return reasons(self.retrievers, self.catalogue, queries, slate)

    def available(self, at: int) -> Bool | None:
        """(n_items,) `unavailable` for queries at an instant [µs]; None when every item may be offered."""
        return self.catalogue.availability.unavailable_at(at)

    @classmethod
    def load(cls, folder: Path, lookup: FeatureLookup) -> Recommender:
        """The recommender of a bundle folder.

        Raises:
            UserError: the lookup gives other features than those that the ranker was trained on, or a part was saved by
                other code and this code cannot read it.
        """
        plan = read_plan(folder)
        if list(lookup.names) != plan.features:
            raise UserError(
                f"bundle {folder}: its ranker was trained on features {plan.features}, the lookup gives "
                f"{list(lookup.names)}; serve it with the code that made it, or run `recops run`"
            )
        retrievers = {name: read_part("retriever", name, folder / "retrievers" / name) for name in plan.retrievers}
        ranker = read_part("ranker", plan.ranker, folder / "ranker")
        return cls(
            catalogue=load_catalogue(folder),
            retrievers=retrievers,
            ranker=NewcomersInOrder(ranker, feature_names(tuple(plan.retrievers), lookup.names)),
            reranker=make("reranker", plan.reranker, plan.reranker_params),
            lookup=lookup,
            k=plan.k,
            positives=Positives.of(plan.targets),
            explore=plan.explore,
            bundle=read_manifest(folder).hash if (folder / MANIFEST).is_file() else "",
        )

    def _slate(
        self, candidates: Candidates, scores: Float32, queries: Queries, k: int, reranker: Reranker | None
    ) -> Slate:
        """The lists of all queries; without a reranker in the order of the scores, and nothing is drawn."""
        n_queries, draws = len(queries), reranker is not None and self.explore.slots > 0
        slate = Slate(
            items=np.full((n_queries, k), -1, dtype=np.int32),
            scores=np.zeros((n_queries, k), dtype=np.float32),
            sources=np.full((n_queries, k, len(candidates.retrievers)), np.nan, dtype=np.float32),
            retrievers=candidates.retrievers,
            propensities=np.ones((n_queries, k), dtype=np.float32) if draws else None,
        )
        contributions = np.where(
            candidates.ranks > 0, reciprocal_ranks(candidates.ranks, FUSION_CONSTANT), np.float32(np.nan)
        )
        ends = np.searchsorted(candidates.query, np.arange(n_queries + 1))
        for query in range(n_queries):
            start, stop = ends[query], ends[query + 1]
            best = start + np.argsort(-scores[start:stop], kind="stable")
            if reranker is not None:
                order = reranker.order(candidates.item[best], scores[best], self.catalogue, k)
                if slate.propensities is not None:
                    key = key_of(self.bundle, str(queries.user_ids[query]), int(queries.at[query]))
                    order, chances = explore(order, scores[best], self.explore, key)
                    slate.propensities[query, : len(chances)] = chances
                best = best[order]
            best = best[:k]
            slate.items[query, : len(best)] = candidates.item[best]
            slate.scores[query, : len(best)] = scores[best]
            slate.sources[query, : len(best)] = contributions[best]
        return slate


def lengthened(head: Slate, rest: Slate, k: int) -> Slate:
    """Lists of k items: each begins with that of `head` and goes on with the other items of `rest`, in their order."""
    n_queries, _, n_retrievers = head.sources.shape
    longer = Slate(
        items=np.full((n_queries, k), -1, dtype=np.int32),
        scores=np.zeros((n_queries, k), dtype=np.float32),
        sources=np.full((n_queries, k, n_retrievers), np.nan, dtype=np.float32),
        retrievers=head.retrievers,
        propensities=None if head.propensities is None else np.ones((n_queries, k), dtype=np.float32),
    )
    for query in range(n_queries):
        n_first = int((head.items[query] >= 0).sum())
        more = np.flatnonzero((rest.items[query] >= 0) & ~np.isin(rest.items[query], head.items[query]))[: k - n_first]
        for name in ("items", "scores", "sources"):
            into = getattr(longer, name)[query]
            into[:n_first] = getattr(head, name)[query, :n_first]
            into[n_first : n_first + len(more)] = getattr(rest, name)[query, more]
        if longer.propensities is not None and head.propensities is not None:
            longer.propensities[query, :n_first] = head.propensities[query, :n_first]
    return longer
