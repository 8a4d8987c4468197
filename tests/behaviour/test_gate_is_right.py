"""The gate itself is judged: how often it is wrong about models whose truth is known, and what it can see (power)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from features.simulation.parameters import Params as World
from features.sources.simulator import read
from models.data.queries import part_queries
from models.data.tables import make_log
from models.data.types import UNKNOWN_TIME, Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.evaluation.evaluate import Evaluation, evaluate
from models.evaluation.evaluate import Params as EvaluateParams
from models.evaluation.test_set import make_test_set
from models.gate.checks import Check, Judged
from models.gate.decision import Decision, Params, decide
from models.retrievers.item_knn import ItemKnn

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Verdicts:
    """The gate's answers about pairs of models of one simulated world."""

    equal: Decision
    worse: Decision
    losing: dict[float, Decision]


def _judged(evaluation: Evaluation, model: str, user_ids: npt.NDArray[np.str_], lists: Codes) -> Judged:
    query, place = np.nonzero(lists >= 0)
    shown = pl.DataFrame(
        {
            "query_id": pl.Series(user_ids.tolist()).gather(query),
            "item_id": pl.Series([str(item) for item in lists[query, place]], dtype=pl.String),
            "rank": (place + 1).astype(np.int64),
        }
    )
    return Judged(model, evaluation.per_query.filter(model=model), shown)


def _half(log: Log, users: npt.NDArray[np.bool_]) -> Log:
    rows = users[log.users]
    columns = (log.users, log.items, log.times, log.values, log.weights)
    users_, items, times, values, weights = (column[rows] for column in columns)
    return Log(user_ids=log.user_ids, users=users_, items=items, times=times, values=values, weights=weights, at=log.at)


def _verdicts(seed: int) -> Verdicts:
    """Equal: two item_knn, each fitted on its own half of the users, and for every query a coin says which of the two
    answers as challenger and which as champion; so neither is better, though their lists differ. (One half against the
    other would be no test: given the halves one fit is truly a little better, for all queries alike.)

    Worse: the same model with half of each list replaced by random items. Losing s: a random share s of the queries
    gets no answer, so the challenger is worse by s in expectation.
    """
    world = read(World(seed=seed, n_users=450, n_items=150, days=20, sessions_a_day=0.4, exposures=False))
    rows = world.interactions.sort("timestamp", "user_id", "item_id").with_columns(trust=pl.lit(1.0))
    cut = rows.get_column("timestamp")[int(rows.height * 0.9) - 1]
    before, after = rows.filter(pl.col("timestamp") <= cut), rows.filter(pl.col("timestamp") > cut)
    item_ids = world.items.get_column("item_id").to_list()
    n = len(item_ids)
    catalogue = Catalogue(
        vocabulary=Vocabulary(item_ids),
        titles=[None] * n,
        tags=[[] for _ in range(n)],
        category_names=[],
        categories=np.full(n, -1, dtype=np.int32),
        prices=np.full(n, np.nan, dtype=np.float32),
        created_at=np.full(n, UNKNOWN_TIME, dtype=np.int64),
    )
    log = make_log(before, catalogue.vocabulary)
    at = int(before.get_column("timestamp").dt.epoch("us").max() or 0)  # type: ignore[arg-type]
    queries, _ = part_queries(before, after, catalogue.vocabulary, at)
    rng = np.random.default_rng(seed)
    half = rng.random(log.n_users) < 0.5
    test_set = make_test_set(before, after, None, asked=queries.user_ids.tolist(), further_items=item_ids)
    codes = np.append(test_set.codes(item_ids), -1)
    lists = {
        name: codes[ItemKnn().fit(_half(log, users), catalogue).retrieve(queries, 20).items]
        for name, users in {"one": half, "two": ~half}.items()
    }
    coin = rng.random(len(queries))[:, None] < 0.5
    two = lists.pop("two")
    lists["heads"] = np.where(coin, lists["one"], two)
    lists["tails"] = np.where(coin, two, lists["one"])
    spoilt = lists["one"].copy()
    spoilt[:, ::2] = -2
    random = np.stack([rng.permutation(n)[:20] for _ in range(len(queries))])
    repeats = (random[:, :, None] == lists["one"][:, None, :]).any(axis=2)
    lists["worse"] = np.where((spoilt == -2) & ~repeats, random, np.where(spoilt == -2, -1, spoilt))
    for share in (0.1, 0.2):
        silent = rng.random(len(queries)) < share
        lists[f"losing {share}"] = np.where(silent[:, None], -1, lists["one"])
    evaluation = evaluate(test_set, lists, EvaluateParams(bootstrap=100))
    judged = {model: _judged(evaluation, model, test_set.user_ids, lists[model]) for model in lists}
    checks = Params().checks()

    def ask(challenger: str, champion: str) -> Decision:
        return decide(judged[challenger], judged[champion], checks, n_resamples=400)

    losing = {float(name.split()[1]): ask(name, "one") for name in lists if name.startswith("losing")}
    return Verdicts(ask("heads", "tails"), ask("worse", "one"), losing)


@pytest.mark.parametrize("n_worlds", [20, pytest.param(100, marks=pytest.mark.soak)])
def test_over_many_worlds_equal_is_rarely_called_superior_and_clearly_worse_never_passes(n_worlds: int) -> None:
    verdicts = [_verdicts(seed) for seed in range(1, n_worlds + 1)]
    equal = Counter(verdict.equal.verdict for verdict in verdicts)
    passed = sum(verdict.equal.promote for verdict in verdicts)
    worse = Counter(verdict.worse.verdict for verdict in verdicts)
    print(f"\nequal challengers in {n_worlds} simulated worlds: {dict(equal)}; promoted as not worse: {passed}")
    print(f"clearly worse (half of each list random): {dict(worse)}")
    for share in verdicts[0].losing:
        kept = [verdict.losing[share] for verdict in verdicts]
        seen = sum(decision.verdict == "worse" for decision in kept)
        print(f"worse by {share:.0%}: promoted {sum(d.promote for d in kept)}, shown to be worse {seen} of {n_worlds}")
    assert equal["superior"] <= 0.05 * n_worlds
    assert not any(verdict.worse.promote for verdict in verdicts)
    # a loss beyond the margin of 5 % is rarely overlooked, one well beyond it never
    assert sum(verdict.losing[0.1].promote for verdict in verdicts) <= 0.05 * n_worlds
    assert not any(verdict.losing[0.2].promote for verdict in verdicts)


def _draw(rng: np.random.Generator, n: int, gain: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """NDCG-like figures of two models per query: mostly zeros, alike since the queries are the same."""
    chance = rng.beta(0.4, 1.6, n)
    base = (rng.random(n) < chance) * rng.uniform(0.1, 1, n)
    own = [(rng.random(n) < chance) * rng.uniform(0.1, 1, n) for _ in range(2)]
    same = rng.random(n) < 0.8
    ours, theirs = (np.where(same, base, values) for values in own)
    return ours * (1 + gain), theirs


@pytest.mark.parametrize("n_queries", [100, 400, 1000])
def test_figures_per_query_error_rates_stay_below_five_percent_and_power_grows(n_queries: int) -> None:
    check = [Check(metric="ndcg@10", margin=0.05)]
    n_trials = 500

    def rate(gain: float, counts: Callable[[Decision], bool]) -> float:
        rng = np.random.default_rng(n_queries)
        ids = [f"u{query:05d}" for query in range(n_queries)]
        nothing = pl.DataFrame(schema={"query_id": pl.String, "item_id": pl.String, "rank": pl.Int64})
        n = 0
        for _ in range(n_trials):
            sides = [
                Judged(name, pl.DataFrame({"query_id": ids, "slice": "warm", "ndcg@10": values}), nothing)
                for name, values in zip(("ours", "theirs"), _draw(rng, n_queries, gain), strict=True)
            ]
            n += counts(decide(sides[0], sides[1], check, n_resamples=400))
        return n / n_trials

    superior = {gain: rate(gain, lambda decision: decision.verdict == "superior") for gain in (0.0, 0.1, 0.3)}
    not_worse = {gain: rate(gain, lambda decision: decision.promote) for gain in (-0.3, -0.05, 0.0, 0.05)}
    print(f"\n{n_queries} queries: called superior by true gain {superior}; promoted by true gain {not_worse}")
    assert superior[0.0] <= 0.05
    # a loss of exactly the margin is the border of what may pass
    assert not_worse[-0.05] <= 0.05
    assert not_worse[-0.3] <= 0.01
    assert superior[0.3] >= superior[0.0]
