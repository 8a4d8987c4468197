"""Reasons are true: without the items that a reason names, the retriever that it quotes scores the item lower.

Judged by `retrieve` on the history without these items, which no part's own account of itself enters.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from models.data.queries import one_query
from models.data.ragged import Ragged
from models.data.types import Queries, Slate
from models.explain import contributions, reasons
from models.interfaces import Explains, HasReason, Retriever
from models.online.answer import OneAnswer, OneCandidates
from models.online.explaining.explainer import Explainer
from models.online.explaining.profiles_without import ProfilesWithout
from models.online.explaining.reason import OneReason
from models.online.retrieval import Answer, Profiles, Scratch, SequenceAnswer, prepared
from models.registry import load_retriever, part_names
from models.single_query.one_query import OneQuery
from tests.contract.test_retriever_promises import DAY, N_ITEMS, catalogue, log

ITEMS = {place: f"“Title {place}”" for place in range(N_ITEMS)}
PARAMS = {
    "cold_items": {"max_users": 12, "offered": N_ITEMS},
    "sequence": {"epochs": 3, "max_length": 12},
    "svd": {"n_components": 5},  # with as many directions as items every other item scores 0
}
WORLDS = (1, 2, 3)
EXPLAINING = [name for name in part_names("retriever") if isinstance(load_retriever(name)(), Explains)]


@cache
def fitted(name: str, world: int) -> Retriever:
    part = load_retriever(name)
    return part(part.Params.model_validate(PARAMS.get(name, {}))).fit(log(world), catalogue())


def histories(world: int) -> list[Queries]:
    """Short and long ones, with repeats, and with several acts at one instant."""
    rng = np.random.default_rng(world)
    queries = []
    for length in (1, 2, 3, 5, 8, 20, 60):
        items = [f"i{item:02}" for item in rng.integers(0, N_ITEMS - 6, length)]
        times = np.sort(rng.integers(0, 40, length)) * DAY
        queries.append(one_query("u07", 100 * DAY, items, times, catalogue().vocabulary))
    return queries


def offered(name: str, part: Retriever, query: Queries) -> Slate:
    hits = part.retrieve(query, N_ITEMS)
    share = np.full((1, N_ITEMS, 1), 0.016, dtype=np.float32)
    return Slate(items=hits.items, scores=hits.scores, sources=share, retrievers=(name,))


def past_of(query: Queries) -> np.ndarray:
    return query.history.items.values


def score_of(part: Retriever, query: Queries, item: int) -> float:
    """What `retrieve` says of an item whatever is excluded; -inf where it is not offered."""
    free = replace(query, excluded=Ragged.empty_rows(1, np.int32))
    hits = part.retrieve(free, N_ITEMS)
    scores = hits.scores[0][hits.items[0] == item]
    return float(scores[0]) if len(scores) else -np.inf


def leaving_out(query: Queries, items: list[int]) -> Queries:
    kept = np.flatnonzero(~np.isin(query.history.items.values, items))
    return replace(query, history=query.history.take(Ragged.one_row(kept)))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", EXPLAINING)
def test_leaving_out_what_a_reason_names_lowers_the_score(name, world):
    part, n_named = fitted(name, world), 0
    for query in histories(world):
        slate = offered(name, part, query)
        sentences = reasons({name: part}, catalogue(), query, slate)[0]
        for item, score, sentence in zip(slate.items[0].tolist(), slate.scores[0].tolist(), sentences, strict=True):
            named = [place for place, title in ITEMS.items() if title in sentence]
            n_named += bool(named)
            assert set(named) <= set(past_of(query).tolist())
            assert sentence in ("", "Picked for you") or named
            if named:
                without = score_of(part, leaving_out(query, named), item)
                assert without < score, f"{sentence!r} for item {item}, history {past_of(query).tolist()}"
    assert n_named > 20


@pytest.mark.parametrize("name", EXPLAINING)
def test_contributions_are_what_the_score_falls_by(name):
    part = fitted(name, 1)
    for query in histories(1)[2:6]:
        past, items = np.unique(past_of(query)), np.unique(offered(name, part, query).items[0])
        items = items[items >= 0]
        falls = contributions(part, query, [past[[place]] for place in range(len(past))], items)
        for place, row in zip(past.tolist(), falls, strict=True):
            shorter = leaving_out(query, [place])
            expected = [score_of(part, query, item) - score_of(part, shorter, item) for item in items.tolist()]
            assert row == pytest.approx(np.array(expected), abs=2e-4, rel=2e-4)


@pytest.mark.parametrize("name", EXPLAINING)
def test_it_does_not_matter_in_which_order_items_are_named(name):
    part, query = fitted(name, 2), histories(2)[5]
    past, items = np.unique(past_of(query)), offered(name, part, query).items[0][:9]
    one_way = contributions(part, query, [past[[place]] for place in range(len(past))], items)
    back = contributions(part, query, [past[[place]] for place in reversed(range(len(past)))], items[::-1])
    assert one_way == pytest.approx(back[::-1, ::-1], abs=1e-5)
    assert contributions(part, query, [past[:2]], items) == pytest.approx(
        contributions(part, query, [past[1::-1]], items), abs=1e-5
    )


def single(query: Queries) -> OneQuery:
    return replace(OneQuery.of(query, N_ITEMS), blocked=np.zeros(N_ITEMS, dtype=np.bool_))


def explainer(name: str, part: Retriever) -> tuple[Explainer, Answer]:
    answer = prepared(part)
    scorers = {name: answer.scorer} if isinstance(answer, SequenceAnswer) else {}
    return Explainer({name: part}, catalogue(), scorers), answer


def answered(name: str, answer: Answer, query: OneQuery) -> OneAnswer:
    """What one retriever offers, shown in its order."""
    hits = answer(Profiles(query), N_ITEMS, Scratch())
    n = len(hits.items)
    ranks = np.arange(1, n + 1, dtype=np.int32)[:, None]
    return OneAnswer(
        retrievers=(name,),
        candidates=OneCandidates(items=hits.items, scores=hits.scores[:, None], ranks=ranks),
        features=np.zeros((n, 0), dtype=np.float32),
        scores=hits.scores,
        shown=np.arange(n),
        propensities=None,
        left_out=(),
        stage_ms={},
    )


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", EXPLAINING)
def test_leaving_out_what_a_reason_of_one_query_names_lowers_the_score(name, world):
    part, n_named, n_same, n_all = fitted(name, world), 0, 0, 0
    reasons_of, answer = explainer(name, part)
    for query in histories(world):
        query = replace(query, excluded=Ragged.empty_rows(1, np.int32))
        shown = answered(name, answer, single(query))
        expected = reasons({name: part}, catalogue(), query, offered(name, part, query))[0]
        sentence_of = dict(zip(part.retrieve(query, N_ITEMS).items[0].tolist(), expected, strict=True))
        for item, score, reason in zip(
            shown.items.tolist(), shown.scores.tolist(), reasons_of.reasons(single(query), shown), strict=True
        ):
            n_all, n_same = n_all + 1, n_same + (reason.sentence == sentence_of[item])
            assert [place for place, title in ITEMS.items() if title in reason.sentence] == sorted(reason.named)
            assert (reason.retriever == name) == bool(reason.named)
            if reason.named:
                n_named += 1
                without = score_of(part, leaving_out(query, list(reason.named)), item)
                assert without < score, f"{reason} for item {item}, history {past_of(query).tolist()}"
    assert n_named > 20
    assert n_same >= 0.9 * n_all


def told(reasons: list[OneReason]) -> list[tuple]:
    """Of each its sentence, who says it and what it names, with shares to six digits."""
    return [
        (one.sentence, one.retriever, [(item, f"{share:.6f}") for item, share in one.named.items()]) for one in reasons
    ]


@pytest.mark.parametrize("name", EXPLAINING)
def test_who_asks_again_gets_the_reasons_that_are_kept_and_after_a_new_event_those_of_now(name):
    part = fitted(name, 1)
    reasons_of, answer = explainer(name, part)
    falls_of, step = reasons_of.falls[name]
    asked = []

    def counted(*given):
        asked.append(given)
        return falls_of(*given)

    reasons_of.falls[name] = (counted, step)
    query, longer = (single(query) for query in histories(1)[4:6])
    first = told(reasons_of.reasons(query, answered(name, answer, query)))
    n_asked = len(asked)
    assert n_asked > 0
    assert told(reasons_of.reasons(query, answered(name, answer, query))) == first
    assert len(asked) == n_asked
    fewer = replace(answered(name, answer, query), shown=np.arange(2)[::-1])
    assert told(reasons_of.reasons(query, fewer)) == first[1::-1]
    now = told(reasons_of.reasons(longer, answered(name, answer, longer)))
    assert len(asked) > n_asked
    assert now == told(explainer(name, part)[0].reasons(longer, answered(name, answer, longer)))
    assert reasons_of.kept.user_ids() == ["u07"]


@pytest.mark.parametrize("name", EXPLAINING)
def test_where_the_time_matters_kept_reasons_are_those_of_now(name):
    kind = load_retriever(name)
    if "half_life_days" not in kind.Params.model_fields or name == "markov":
        pytest.skip("does not decay")
    part = kind(kind.Params.model_validate({**PARAMS.get(name, {}), "half_life_days": 9.0})).fit(log(1), catalogue())
    reasons_of, answer = explainer(name, part)
    for days in (0, 1, 30):
        query = single(histories(1)[5])
        query = replace(query, at=query.at + days * DAY)
        shown = answered(name, answer, query)
        assert told(reasons_of.reasons(query, shown)) == told(explainer(name, part)[0].reasons(query, shown))


@pytest.mark.parametrize("decay", [{}, {"half_life_days": 9.0}, {"half_life_events": 3.0, "half_life_days": 20.0}])
@pytest.mark.parametrize("name", EXPLAINING)
def test_falls_of_one_query_are_those_of_a_batch(name, decay):
    kind = load_retriever(name)
    if decay and "half_life_days" not in kind.Params.model_fields or name == "markov" and decay:
        pytest.skip("does not decay")
    part = kind(kind.Params.model_validate({**PARAMS.get(name, {}), **decay})).fit(log(1), catalogue())
    falls_of, _ = explainer(name, part)[0].falls[name]
    for query in histories(4):
        past = np.unique(past_of(query))
        left_out = [past[[place]] for place in range(len(past))] + [past[:2], past[-3:]]
        items = np.arange(N_ITEMS, dtype=np.int32)
        falls = falls_of(ProfilesWithout(single(query)), left_out, items)
        expected = contributions(part, query, left_out, items)
        assert_same_falls(falls, expected, part.scores_of(query, items)[0])


def assert_same_falls(falls: np.ndarray, expected: np.ndarray, scores: np.ndarray) -> None:
    """Where a fall is known, and but for items that are only just reached or not."""
    near = 2e-5 * np.abs(scores[np.isfinite(scores)]).max(initial=0.0)
    known = ~np.isnan(falls)
    assert known.any(axis=1)[0] or np.isnan(expected).all()
    finite = known & np.isfinite(falls) & np.isfinite(expected)
    assert np.abs(falls[finite] - expected[finite]).max(initial=0.0) <= near
    assert (np.isinf(falls) == np.isinf(expected))[known].mean() > 0.99


@pytest.mark.parametrize("name", part_names("retriever"))
def test_every_retriever_has_a_reason_and_only_those_that_explain_name_items(name):
    part, query = fitted(name, 1), histories(1)[4]
    assert isinstance(part, HasReason)
    friendly = replace(query, user_ids=np.array(["u7"]))
    sentences = reasons({name: part}, catalogue(), friendly, offered(name, part, friendly))[0]
    assert any(sentences)
    names_items = any(re.search("“Title", sentence) for sentence in sentences)
    assert names_items == (name in EXPLAINING)
