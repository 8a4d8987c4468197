"""A recommender trained in process as the stages train it, on a world of the test's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from features.offline.feature_tables import build_tables, scan
from features.offline.offline_lookup import OfflineLookup
from features.positives import DEFAULT_POSITIVES
from features.schema import CATALOGUE, INTERACTIONS
from features.split import Split
from models.data.queries import part_queries
from models.data.tables import make_log
from models.data.types import Catalogue
from models.interfaces import Retriever
from models.ranking.examples import make_examples
from models.ranking.features import feature_names, features_of, query_features
from models.ranking.newcomers import NewcomersInOrder
from models.recommender import Recommender
from models.registry import load_ranker, load_reranker, load_retriever
from models.retrieval.candidates import candidates_of


def _fitted(
    rows: pl.DataFrame, catalogue: Catalogue, at: int, sections: Mapping[str, dict[str, Any] | None]
) -> dict[str, Retriever]:
    """The retrievers of some sections, fitted on rows of LOG."""
    log = make_log(rows, catalogue.vocabulary, at=at)
    found: dict[str, Retriever] = {}
    for name in sorted(sections):
        part = load_retriever(name)
        found[name] = part(part.Params.model_validate(sections[name] or {})).fit(log, catalogue)
    return found


def trained(
    folder: Path,
    parts: Split,
    train: pl.DataFrame,
    full: pl.DataFrame,
    frame: pl.DataFrame,
    catalogue: Catalogue,
    sections: Mapping[str, dict[str, Any] | None],
    k: int,
) -> Recommender:
    """Retrievers on `train` (LOG) answer valid, the ranker learns from that; the recommender's are fitted on `full`."""
    for name, rows in (("train", parts.train), ("valid", parts.valid), ("test", parts.test)):
        INTERACTIONS.write(rows, folder / f"{name}.parquet")
    CATALOGUE.write(frame, folder / "catalogue.parquet")
    files = [folder / f"{name}.parquet" for name in ("train", "valid", "test")]
    build_tables(scan(files, folder / "catalogue.parquet", DEFAULT_POSITIVES), folder / "features", DEFAULT_POSITIVES)
    lookup = OfflineLookup(
        folder / "features",
        catalogue.vocabulary.item_ids,
        frame.get_column("category").to_list(),
        catalogue.prices,
        catalogue.created_at,
    )
    cut = parts.cuts.valid_cut
    queries, targets = part_queries(
        parts.train, parts.valid, catalogue.vocabulary, cut, availability=catalogue.availability
    )
    candidates = candidates_of(_fitted(train, catalogue, cut, sections), queries, k, catalogue.n_items)
    examples = make_examples(queries, candidates, targets, catalogue.n_items)
    features = features_of(candidates, queries.user_ids, queries.at, query_features(queries), lookup)
    kind = load_ranker("lightgbm")
    ranker = kind(kind.Params(n_seeds=1))  # as folds are judged: more are steadier, for a multiple of the time
    ranker.fit(features, examples.labels, examples.groups, feature_names(candidates.retrievers, lookup.names))
    retrievers = _fitted(full, catalogue, parts.cuts.test_cut, sections)
    served = NewcomersInOrder(ranker, feature_names(candidates.retrievers, lookup.names))
    return Recommender(
        catalogue=catalogue, retrievers=retrievers, ranker=served, reranker=load_reranker("mmr")(), lookup=lookup, k=k
    )
