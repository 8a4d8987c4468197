"""Answers to one query with all that led to them, made by the batch code: what the fast path must give too."""

from __future__ import annotations

import numpy as np

from models.data.types import Queries
from models.exploration import explore, key_of
from models.interfaces import FeatureLookup
from models.online.answer import OneAnswer, OneCandidates
from models.ranking.features import features_of, query_features
from models.recommender import Recommender
from models.retrieval.candidates import candidates_of


def one_answer(recommender: Recommender, query: Queries, k: int, lookup: FeatureLookup) -> OneAnswer:
    """The answer to a batch of one, at most 100 places."""
    candidates = candidates_of(recommender.retrievers, query, recommender.k, recommender.catalogue.n_items)
    features = features_of(candidates, query.user_ids, query.at, query_features(query), lookup)
    scores = recommender.ranker.score(features)
    best = np.argsort(-scores, kind="stable")
    order = recommender.reranker.order(candidates.item[best], scores[best], recommender.catalogue, k)
    chances = None
    if recommender.explore.slots:
        key = key_of(recommender.bundle, str(query.user_ids[0]), int(query.at[0]))
        order, chances = explore(order, scores[best], recommender.explore, key)
    return OneAnswer(
        retrievers=candidates.retrievers,
        candidates=OneCandidates(items=candidates.item, scores=candidates.scores, ranks=candidates.ranks),
        features=features,
        scores=scores,
        shown=best[order][:k],
        propensities=chances,
        left_out=(),
        stage_ms={"retrieve": 1.5, "rank": 0.5},
    )
