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
from models.registry import load_retriever, part_names
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


@pytest.mark.parametrize("name", part_names("retriever"))
def test_every_retriever_has_a_reason_and_only_those_that_explain_name_items(name):
    part, query = fitted(name, 1), histories(1)[4]
    assert isinstance(part, HasReason)
    friendly = replace(query, user_ids=np.array(["u7"]))
    sentences = reasons({name: part}, catalogue(), friendly, offered(name, part, friendly))[0]
    assert any(sentences)
    names_items = any(re.search("“Title", sentence) for sentence in sentences)
    assert names_items == (name in EXPLAINING)
