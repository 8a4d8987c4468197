"""Language columns: what columns from texts would add to the ranker, before any of them is served.

    python -m benchmarks.language_columns [--project DIR] [--users N] [--trees N]

DIR is a project in which the stages up to `retrieve` have ended. The columns are made from each query's history at its
instant: cosine of the item to the mean of the history (`sentence`, `words`), the best cosine to the last five acts,
share of the item's keywords that are among the history's, and prior popularity. Boosted trees (`--trees` of them) are
trained on the folds of users that train_ranker uses, each user is judged by a fold that did not learn from them, and
NDCG@10 with all columns is compared with that without one of them and without any; 95 % intervals over users.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Float32, Float64
from features.params import section
from flows.judging.truncated_features import lookup_with_truncated
from flows.project.dataset import Project
from models.data.queries import queries_at
from models.data.ragged import ranges
from models.data.tables import read_catalogue
from models.data.truncation import TRUNCATED
from models.data.types import Catalogue, Queries
from models.evaluation.intervals import bounds, resampled_means, sums_by_user
from models.language.writing.enriched import ENRICHED_ITEMS
from models.ranking.examples import Examples, Outcomes, joined, load_parts, retrievers_of, user_ids_of
from models.ranking.features import feature_names, features_of
from models.ranking.ranker_data import RankerData
from models.ranking.training import Params, cross_validated
from models.retrieval.history_profile import Recency, history_profiles

COLUMNS = ("profile:sentence", "profile:words", "recent:sentence", "recent:words", "keywords", "prior_popularity")
LAST = 5  # acts that the best cosine is taken over
CANDIDATES = Path("data/candidates")


def columns_of(
    examples: Examples, queries: Queries, catalogue: Catalogue, words: npt.NDArray[np.float32], prior: Float32
) -> Float32:
    """(n_rows, len(COLUMNS)); queries: of the examples; words: (n_items, n_keywords) ones; prior: (n_items,)."""
    query, item = examples.candidates.query, examples.candidates.item
    profiles = history_profiles(queries, catalogue.n_items, Recency(half_life_events=20))
    offsets = queries.history.items.offsets
    n_last = np.minimum(np.diff(offsets), LAST)
    last = queries.history.items.take(ranges(offsets[1:] - n_last, n_last))
    table = np.full((len(query), len(COLUMNS)), np.nan, dtype=np.float32)
    ends = np.searchsorted(query, np.arange(len(queries) + 1))
    for name, vectors in (("sentence", catalogue.vectors), ("words", catalogue.further["words"])):
        assert vectors is not None
        means = profiles @ vectors
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        for one in np.flatnonzero(np.diff(offsets)):
            rows = slice(ends[one], ends[one + 1])
            offered = vectors[item[rows]]
            table[rows, COLUMNS.index(f"profile:{name}")] = offered @ means[one]
            table[rows, COLUMNS.index(f"recent:{name}")] = (offered @ vectors[last[one]].T).max(axis=1)
    liked = profiles @ words
    liked /= np.maximum(liked.sum(axis=1, keepdims=True), 1e-12)
    table[:, COLUMNS.index("keywords")] = np.einsum("ij,ij->i", liked[query], words[item])
    table[:, COLUMNS.index("prior_popularity")] = prior[item]
    return table


def queries_of(examples: Examples, known: pl.DataFrame, catalogue: Catalogue) -> Queries:
    """The histories at each query's instant; truncated ones are known under names of their own."""
    return queries_at(known, catalogue.vocabulary, examples.names.tolist(), examples.at)


def keywords_and_popularity(path: Path) -> tuple[Float32, Float32]:
    """(n_items, n_keywords) ones and (n_items,) 0 to 10, in the order of the catalogue."""
    frame = ENRICHED_ITEMS.read(path)
    lists = frame.get_column("keywords").to_list()
    place = {word: number for number, word in enumerate(sorted({word for words in lists for word in words}))}
    table = np.zeros((frame.height, max(len(place), 1)), dtype=np.float32)
    for row, words in enumerate(lists):
        table[row, [place[word] for word in words]] = 1.0
    prior = frame.get_column("prior_popularity").cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return table, prior


def judged(data: RankerData, params: Params, left_out: tuple[str, ...]) -> Float64:
    """(n_queries,) NDCG@10 without some columns, each user by a ranker that did not learn from them."""
    kept = [column for column, name in enumerate(data.names) if name not in left_out]
    features = np.asarray(data.features)[:, kept]
    fewer = RankerData(
        features=features,
        labels=data.labels,
        groups=data.groups,
        n_targets=data.n_targets,
        user_ids=data.user_ids,
        live=data.live,
        names=tuple(data.names[column] for column in kept),
        events=data.events,
    )
    return cross_validated(fewer, params)[0]


def main() -> None:
    """Prints a row for each column, and one for all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--trees", type=int, default=60)
    options = parser.parse_args()
    os.chdir(options.project)
    project, catalogue = Project(Path()), read_catalogue(Path("data/catalogue"), Path("data/vectors"))
    words, prior = keywords_and_popularity(Path("data/enriched/items.parquet"))
    short, user_ids = pl.read_parquet(CANDIDATES / TRUNCATED), pl.Series(user_ids_of(CANDIDATES))
    known = pl.concat([project.part("train"), project.part("valid"), short])
    users = np.asarray(user_ids.to_list())
    users = np.sort(np.random.default_rng(1).permutation(users)[: options.users])
    blocks, outcomes = [], []
    with lookup_with_truncated(project, catalogue, short, user_ids) as lookup:
        for part in load_parts(CANDIDATES):
            made = columns_of(part, queries_of(part, known, catalogue), catalogue, words, prior)
            usual = features_of(part.candidates, part.names, part.at, part.asked, lookup)
            blocks.append(np.concatenate([usual, made], axis=1))
            outcomes.append(Outcomes.of(part))
        names = (*feature_names(retrievers_of(CANDIDATES), lookup.names), *COLUMNS)
    data = RankerData.of(joined(outcomes), np.concatenate(blocks), names)
    data = data.queries(np.isin(data.user_ids, users))
    folds = section("ranker", Params).folds
    params = Params.model_validate({"name": "lightgbm", "folds": folds, "lightgbm": {"n_trees": options.trees}})
    everything = judged(data, params, ())
    asked = data.n_targets > 0
    print(f"{len(users)} users, {int(asked.sum())} queries, NDCG@10 with all columns {everything[asked].mean():.4f}")
    for label, left_out in [("all of them", COLUMNS), *((name, (name,)) for name in COLUMNS)]:
        without = judged(data, params, left_out)
        table = np.stack([everything - without, everything], axis=1)[asked]
        sums = sums_by_user(table, data.user_ids[asked])
        means = resampled_means(sums, 1000, 1)
        low, high = bounds(means[:, 0] / means[:, 1], 0.95)
        lift = table[:, 0].sum() / table[:, 1].sum()
        print(f"{label:20}{100 * lift:+.2f} % [{100 * low:+.2f}, {100 * high:+.2f}]", flush=True)


if __name__ == "__main__":
    main()
