"""The gate's verdicts and sentences on made-up figures per query."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from models.evaluation.intervals import bounds, coverage_ratio, ratio_less_one, resampled_means
from models.gate.checks import Check, Judged, compare
from models.gate.decision import Params, decide
from models.gate.wording import difference_in_words, number, percent

NDCG = Check(metric="ndcg@10", margin=0.05)


def _judged(name: str, values: np.ndarray, **further: np.ndarray) -> Judged:
    """A model with these figures per query in slice `warm`, and lists of its own three items each."""
    ids = [f"u{query:05d}" for query in range(len(values))]
    frame = pl.DataFrame({"query_id": ids, "slice": "warm", "n_targets": 1, "ndcg@10": values, **further})
    lists = pl.DataFrame({"query_id": ids, "item_id": [f"i{query % 50}" for query in range(len(ids))], "rank": 1})
    return Judged(name, frame, lists)


def _figures(n: int = 600) -> np.ndarray:
    return np.random.default_rng(5).beta(0.5, 2, n)


@pytest.mark.parametrize(
    ("factor", "noise", "promote", "verdict"),
    [
        (1.2, 0.05, True, "superior"),
        (1.0, 0.02, True, "not_worse"),
        (0.985, 0.0, True, "not_worse"),
        (0.8, 0.05, False, "worse"),
        (0.0, 0.0, False, "worse"),
        (0.97, 0.4, False, "unclear"),
    ],
)
def test_the_verdict_follows_the_interval(factor: float, noise: float, promote: bool, verdict: str) -> None:
    base = _figures()
    by_chance = np.random.default_rng(7).normal(0, noise, len(base))
    ours = base * factor + by_chance - by_chance.mean()
    decision = decide(_judged("the challenger", ours), _judged("the champion", base), [NDCG])
    assert (decision.promote, decision.verdict) == (promote, verdict), decision.reasons


def test_a_point_estimate_above_the_champion_is_not_enough() -> None:
    base = _figures(150)
    ours = base + np.random.default_rng(19).normal(0.02, 0.6, len(base))
    assert ours.mean() > base.mean()
    decision = decide(_judged("the challenger", ours), _judged("the champion", base), [NDCG])
    assert not decision.promote
    assert "cannot be ruled out" in decision.reasons[1]


def test_too_few_queries_refuse_with_a_sentence() -> None:
    decision = decide(_judged("the challenger", _figures(40) + 1), _judged("the champion", _figures(40)), [NDCG])
    assert (decision.promote, decision.verdict) == (False, "too_few")
    assert "40 test queries are too few to judge ndcg@10" in decision.reasons[0]


def test_no_query_at_all_refuses() -> None:
    empty = np.zeros(0)
    assert not decide(_judged("the challenger", empty), _judged("the champion", empty), [NDCG]).promote


def test_a_bare_gain_is_refused_where_superiority_is_required() -> None:
    base = _figures()
    judged = _judged("the challenger", base), _judged("the champion", base)
    assert decide(*judged, [NDCG]).verdict == "not_worse"
    decision = decide(*judged, [NDCG], require="superior")
    assert (decision.promote, decision.verdict) == (False, "not_superior")


def test_a_guard_that_fails_refuses_a_better_challenger_and_is_named() -> None:
    base = _figures()
    challenger = _judged("the challenger", base * 1.3, **{"recall@10": base * 0.6})
    champion = _judged("the champion", base, **{"recall@10": base})
    decision = decide(challenger, champion, [NDCG, Check(metric="recall@10", margin=0.05)])
    assert (decision.promote, decision.verdict) == (False, "worse")
    assert "ndcg@10 would do, but not recall@10 of warm users" in decision.reasons[0]


def test_a_challenger_that_loses_everywhere_is_not_told_that_its_primary_metric_would_do() -> None:
    base = _figures()
    challenger = _judged("the challenger", base * 0.5, **{"recall@10": base * 0.6})
    champion = _judged("the champion", base, **{"recall@10": base})
    decision = decide(challenger, champion, [NDCG, Check(metric="recall@10", margin=0.05)])
    assert decision.reasons[0] == (
        "Refused: worse than the champion in ndcg@10; nor do these pass: recall@10 of warm users."
    )


def test_a_guard_without_queries_is_told_and_not_held_against_the_challenger() -> None:
    base = _figures()
    guard = Check(metric="ndcg@10", segment="new_users", margin=0.2)
    decision = decide(_judged("the challenger", base * 1.3), _judged("the champion", base), [NDCG, guard])
    assert decision.promote
    assert decision.reasons[-1].startswith("Not judged: ndcg@10 of new users: 0 queries")


def test_more_popularity_bias_is_worse_and_less_is_better() -> None:
    base = _figures()
    champion = _judged("the champion", base, **{"pop_lift@10": np.full(len(base), 1.5)})
    guard = Check(metric="pop_lift@10", margin=0.3)
    outcomes = []
    for lift in (1.0, 1.6, 3.0):
        challenger = _judged("the challenger", base, **{"pop_lift@10": np.full(len(base), lift)})
        outcomes.append(compare(guard, challenger, champion, n_resamples=200, confidence=0.95, seed=1).outcome)
    assert outcomes == ["superior", "not_worse", "worse"]


def test_lists_that_shrink_to_a_few_items_fail_the_coverage_guard() -> None:
    champion = _judged("the champion", _figures())
    narrow = Judged("the challenger", champion.queries, champion.lists.with_columns(item_id=pl.lit("i1")))
    guard = Check(metric="coverage@10", margin=0.3)
    narrowed = compare(guard, narrow, champion, n_resamples=200, confidence=0.95, seed=1)
    assert (narrowed.outcome, narrowed.champion, narrowed.challenger) == ("worse", 50.0, 1.0)
    assert compare(guard, champion, champion, n_resamples=200, confidence=0.95, seed=1).outcome == "not_worse"


def test_a_champion_that_never_hits_does_no_harm_to_the_ratio() -> None:
    nothing, some = np.zeros(300), _figures(300)
    decision = decide(_judged("the challenger", some), _judged("the champion", nothing), [NDCG])
    assert decision.verdict == "superior"
    assert decide(_judged("the challenger", nothing), _judged("the champion", nothing), [NDCG]).verdict == "not_worse"
    json.dumps(decision.as_dict(), allow_nan=False)


def test_a_handful_of_lucky_queries_is_no_superiority() -> None:
    base = np.zeros(100)
    ours = base.copy()
    ours[:5] = 1.0
    decision = decide(_judged("the challenger", ours), _judged("the champion", base), [NDCG])
    assert decision.verdict != "superior"


def test_equal_input_gives_equal_words_whatever_the_order_of_rows() -> None:
    ours, base = _judged("the challenger", _figures() * 1.01), _judged("the champion", _figures())
    mixed = Judged(base.name, base.queries.sample(fraction=1, shuffle=True, seed=2), base.lists.reverse())
    checks = Params(guards=[Check(metric="coverage@10")]).checks()
    assert decide(ours, base, checks).as_dict() == decide(ours, mixed, checks).as_dict()


def test_markdown_holds_verdict_reasons_and_every_check() -> None:
    text = decide(_judged("the challenger", _figures()), _judged("the champion", _figures()), [NDCG]).as_markdown()
    assert text.startswith("# Promoted: not worse\n")
    assert "| ndcg@10 · warm users | 600 |" in text


def test_the_ratio_is_safe_and_paired() -> None:
    assert ratio_less_one(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.0, 2.0])).tolist() == [0.0, np.inf, 0.5]
    base = _figures(200)
    judged = _judged("the challenger", base * 0.9), _judged("the champion", base)
    relative = compare(NDCG, *judged, n_resamples=300, confidence=0.95, seed=1).relative
    assert (relative.value, relative.low, relative.high) == pytest.approx((-0.1, -0.1, -0.1))


def test_resampled_means_are_means_of_draws_with_replacement() -> None:
    values = np.random.default_rng(2).normal(3, 2, (400, 2))
    means = resampled_means(values, 4000, seed=1)
    assert means.shape == (4000, 2)
    assert means.std(axis=0) == pytest.approx(values.std(axis=0) / 20, rel=0.05)
    assert bounds(means[:, 0], 0.95)[0] < values[:, 0].mean() < bounds(means[:, 0], 0.95)[1]
    assert np.array_equal(means, resampled_means(values, 4000, seed=1))
    assert not np.array_equal(means, resampled_means(values, 4000, seed=2))


def test_coverage_of_equal_lists_is_a_ratio_of_one_exactly() -> None:
    lists = np.random.default_rng(3).integers(0, 90, (200, 10))
    interval = coverage_ratio(lists, lists, n_resamples=50, seed=1)
    assert (interval.value, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_figures_are_readable() -> None:
    words = [number(value) for value in (0.12345, 3.14159, 12345.6, float("nan"))]
    assert words == ["0.1235", "3.142", "12,346", "none"]
    assert [percent(share) for share in (0.0815, -0.5, float("inf"))] == ["+8.2 %", "-50.0 %", "unbounded"]


def test_a_difference_to_nothing_is_told_in_figures_and_not_in_percent() -> None:
    infinite = float("inf")
    assert difference_in_words((0.5, 0.25, 0.75), (0.1, 0.05, 0.15)) == ("+50.0 %", "+25.0 %", "+75.0 %")
    assert difference_in_words((infinite, infinite, infinite), (0.1, -0.05, 0.15)) == (
        "+0.1000 absolute",
        "-0.0500",
        "+0.1500",
    )
    # the figure of the champion is above 0, but some resamples of it are not
    assert difference_in_words((9.0, 2.0, infinite), (0.1, 0.05, 0.15))[0] == "+0.1000 absolute"
    nothing = (float("nan"),) * 3
    assert difference_in_words(nothing, nothing) == ("none", "none", "none")


def test_a_champion_without_a_single_hit_is_no_infinite_percentage() -> None:
    hits = np.r_[np.ones(60), np.zeros(140)]
    decision = decide(_judged("the challenger", hits), _judged("the champion", np.zeros(200)), [NDCG])
    assert "0.3000 against 0.0000 of the champion, +0.3000 absolute (95 % interval +0.2" in decision.reasons[1]
    words = decision.as_markdown() + json.dumps(decision.as_dict())
    assert "∞" not in words and "unbounded" not in words and "inf" not in words.replace("inferior", "")
