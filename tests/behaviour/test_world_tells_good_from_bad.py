"""The simulated world can tell good from bad: popular < item_knn < recommender < oracle, and text finds new items.

The recommender is the real one, made of the parts that a bundle holds, in the default world of `make demo`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from features.arrays import Int32
from features.cleaning.catalogue import build_catalogue
from features.cleaning.interactions import Params as CleanParams
from features.cleaning.interactions import clean_log
from features.params import read_params, section
from features.simulation.parameters import Params as WorldParams
from features.simulation.scenario import draw_choices
from features.simulation.tables import truth
from features.simulation.truth import Truth
from features.sources.simulator import read
from features.split import Params as SplitParams
from features.split import split
from models.data.queries import part_queries
from models.data.ragged import Ragged
from models.data.tables import make_catalogue, make_log
from models.data.types import Catalogue, Queries, Targets
from models.evaluation.intervals import bounds, resampled_means
from models.evaluation.metrics import accuracy, target_positions
from models.evaluation.oracle import Oracle, OracleParams
from models.language.encoding.embed_params import Params as EncoderParams
from tests.support.encoded import encode
from tests.support.trained import trained

ROOT = Path(__file__).parents[2]
PARAMS = read_params(ROOT / "params.yaml")
PARAMS["retrievers"]["sequence"]["epochs"] = 0  # minutes of training tell nothing here that the others do not
K = int(PARAMS["retrieve"]["k"])
WEEK = 7 * 86_400_000_000


@dataclass(frozen=True)
class Trial:
    """What everyone answered to the test queries. items: (n_queries, 20) of each by name."""

    truth: Truth
    at: int
    catalogue: Catalogue
    queries: Queries
    targets: Targets
    items: dict[str, Int32]
    distrusted: set[str]
    active_bots: set[str]

    def ndcg(self, model: str, wanted: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.float64]:
        """(n_queries,) NDCG@10 over targets that are `wanted` (n_items,), NaN where a query has none."""
        targets, counts = self.targets.items, self.targets.counts
        if wanted is not None:
            kept = wanted[targets.values]
            targets = Ragged.grouped(targets.owners[kept], len(counts), targets.values[kept])
            counts = targets.lengths
        hits = target_positions(self.items[model], targets) >= 0
        return accuracy(hits, counts, [10])["ndcg@10"]


def _world_params() -> WorldParams:
    return section("source.simulator", WorldParams, ROOT / "params.yaml")


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> Trial:
    params = _world_params()
    tables = read(params)
    parts = split(tables.interactions, SplitParams())
    cuts = parts.cuts
    train, _, _ = clean_log(parts.train, CleanParams(), at=cuts.valid_cut)
    history = pl.concat([parts.train, parts.valid])
    full, reasons, _ = clean_log(history, CleanParams(), at=cuts.test_cut)
    frame, _ = build_catalogue(tables.items, history)
    catalogue = make_catalogue(frame, encode(frame.get_column("text").to_list(), EncoderParams()))
    known = truth(params)
    recommender = trained(
        tmp_path_factory.mktemp("world"), parts, train, full, frame, catalogue, PARAMS["retrievers"], K
    )
    queries, targets = part_queries(
        history, parts.test, catalogue.vocabulary, cuts.test_cut, availability=catalogue.availability
    )
    items = {name: part.retrieve(queries, 20).items for name, part in recommender.retrievers.items()}
    items["recommender"] = recommender.recommend(queries, 20).items
    others = ~_new(cuts.test_cut, catalogue)
    new_only = replace(queries, unavailable=others if queries.unavailable is None else queries.unavailable | others)
    for name in ("popular", "text"):
        items[f"{name} of new items"] = recommender.retrievers[name].retrieve(new_only, 20).items
    log = make_log(full, catalogue.vocabulary, at=cuts.test_cut)
    oracle = Oracle(OracleParams(world=params), known).fit(log, catalogue)
    items["oracle"] = oracle.retrieve(queries, 20).items
    active = set(history.get_column("user_id")) & set(known.bots)
    return Trial(known, cuts.test_cut, catalogue, queries, targets, items, set(reasons.get_column("who")), active)


def _new(at: int, catalogue: Catalogue) -> npt.NDArray[np.bool_]:
    """(n_items,) on sale for less than a week."""
    age = at - catalogue.created_at
    return (age >= 0) & (age < WEEK)


def _above(trial: Trial, better: str, worse: str, wanted: npt.NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """The lower bound of the lead, and the ratio of the means."""
    ours, theirs = trial.ndcg(better, wanted), trial.ndcg(worse, wanted)
    judged = ~np.isnan(ours)
    leads = resampled_means((ours - theirs)[judged, None], n_resamples=1000, seed=1)
    return bounds(leads.ravel(), 0.95)[0], float(np.nanmean(ours) / max(np.nanmean(theirs), 1e-9))


def test_enough_people_are_asked_for_the_gates_to_see_a_difference(trial):
    assert len(trial.queries) >= 800
    assert (trial.targets.counts > 0).sum() >= 800


def test_item_knn_is_clearly_better_than_popular(trial):
    lead, ratio = _above(trial, "item_knn", "popular")
    assert lead > 0
    assert ratio > 1.3


def test_the_recommender_is_clearly_better_than_each_retriever(trial):
    for name in ("popular", "item_knn", "text"):
        lead, ratio = _above(trial, "recommender", name)
        assert lead > 0, name
        assert ratio > 1.05, name


def test_the_oracle_is_far_above_the_recommender_and_its_figure_stands_beside_ours(trial, capsys):
    means = {name: float(np.nanmean(trial.ndcg(name))) for name in sorted(trial.items)}
    with capsys.disabled():
        print("\nndcg@10: " + "  ".join(f"{name} {means[name]:.4f}" for name in sorted(means, key=means.get)))
    lead, ratio = _above(trial, "oracle", "recommender")
    assert lead > 0
    assert ratio > 1.3
    assert max(means, key=means.get) == "oracle"


def test_text_beats_popularity_on_new_items(trial):
    """Ranked among each other: how much is bought of new items as against old ones says nothing of who buys which."""
    new = _new(trial.at, trial.catalogue)
    assert new.sum() >= 15
    asked = ~np.isnan(trial.ndcg("text of new items", new))
    assert asked.sum() >= 100
    lead, ratio = _above(trial, "text of new items", "popular of new items", new)
    assert lead > 0
    assert ratio > 1.25


def test_cleaning_finds_the_bots_and_few_people(trial):
    assert len(trial.active_bots) >= 10
    assert len(trial.active_bots & trial.distrusted) >= 0.8 * len(trial.active_bots)
    people = trial.distrusted - set(trial.truth.bots)
    assert len(people & set(trial.truth.user_ids)) < 0.01 * len(trial.truth.user_ids)


def test_further_futures_agree_that_the_oracle_is_best(trial):
    """The world's own future is one draw; five more say the same of each order."""
    people = [str(user_id) for user_id in trial.queries.user_ids if str(user_id) not in trial.truth.bots][:300]
    rows = {str(user_id): row for row, user_id in enumerate(trial.queries.user_ids)}
    seen = _seen(trial, people, rows)
    for seed in range(5):
        choices = draw_choices(trial.truth, people, trial.at, 5, seed, seen)
        wanted = dict(choices.group_by("user_id").agg("item_id").iter_rows())
        hits = {
            name: np.mean(
                [
                    len(set(trial.catalogue.vocabulary.positions(wanted[person])) & set(items[rows[person], :10]))
                    for person in people
                ]
            )
            for name, items in trial.items.items()
        }
        assert hits["popular"] < hits["item_knn"] < hits["oracle"], seed
        assert hits["recommender"] < hits["oracle"], seed


def _seen(trial: Trial, people: Sequence[str], rows: dict[str, int]) -> pl.DataFrame:
    queries, ids = trial.queries, trial.catalogue.vocabulary.item_ids
    pairs = [(person, ids[item]) for person in people for item in queries.excluded[rows[person]]]
    return pl.DataFrame(pairs, schema={"user_id": pl.String, "item_id": pl.String}, orient="row")
