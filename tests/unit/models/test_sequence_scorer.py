"""The transformer for one query: the scores of the batch form, whatever of a session was computed before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from features.arrays import MICROSECONDS_A_DAY
from models.compute.threads import one_thread
from models.online.sequential.prefix import Prefix
from models.online.sequential.sequence_scorer import SequenceScorer
from models.online.sequential.tails import Tails
from models.retrievers.sequence import Sequence, SequenceParams
from models.single_query.one_query import OneQuery
from models.single_query.query_plans import Ordered, Sequential
from models.transformer.shape import GAPS

N_ITEMS, LENGTH = 50, 24
TOLERANCE = 1e-5  # of the greatest score of a list


def network(seed: int, layers: int = 2, heads: int = 2, size: int = 16) -> Sequence:
    """Random weights of about the size that training leaves; item 7 is not learned."""
    rng = np.random.default_rng(seed)

    def random(*shape: int, spread: float) -> np.ndarray:
        return (rng.normal(size=shape) * spread).astype(np.float32)

    sequence = Sequence(SequenceParams(embedding_size=size, layers=layers, heads=heads, max_length=LENGTH))
    arrays = {
        "items": random(N_ITEMS, size, spread=0.3),
        "gaps": random(GAPS, size, spread=0.5),
        "distances": random(layers, heads, LENGTH, spread=1.0),
        "norms": 1 + random(2 * layers + 1, size, spread=0.3),
        "attend": random(layers, size, 3 * size, spread=1.5 * size**-0.5),
        "merge": random(layers, size, size, spread=0.3),
        "widen": random(layers, size, 4 * size, spread=size**-0.5),
        "narrow": random(layers, 4 * size, size, spread=0.2),
    }
    arrays["items"][7] = 0
    sequence._learn(arrays)
    return sequence


def scorer_of(sequence: Sequence, cache_bytes: int = 1 << 20) -> SequenceScorer:
    plan = sequence.query_plan()
    assert isinstance(plan, Sequential)
    return SequenceScorer(plan, cache_bytes=cache_bytes)


def asked(events: list[tuple[int, int]], at: int, user_id: str = "u") -> OneQuery:
    """From (µs, item), in any order."""
    ordered = sorted(events)
    items = np.array([item for _, item in ordered], dtype=np.int32)
    times = np.array([time for time, _ in ordered], dtype=np.int64)
    return OneQuery.of_events(user_id, at, items, times, np.zeros(N_ITEMS, dtype=np.bool_))


def drawn(rng: np.random.Generator, n_events: int, until: int = 100 * MICROSECONDS_A_DAY) -> list[tuple[int, int]]:
    """Random events, a few of them at one instant."""
    times = rng.integers(0, until, n_events) // 10 ** int(rng.integers(0, 13))
    return list(zip(times.tolist(), rng.integers(0, N_ITEMS, n_events).tolist(), strict=True))


def agree(scorer: SequenceScorer, sequence: Sequence, query: OneQuery) -> None:
    scores, expected = scorer.score(query), sequence._scores(query.batch())[0]
    if scores is None:
        assert not query.n_events and (expected == -np.inf).all()
        return
    close(scores, expected)


def close(scores: np.ndarray, expected: np.ndarray) -> None:
    offered = expected > -np.inf
    assert ((scores > -np.inf) == offered).all()
    assert np.abs(scores[offered] - expected[offered]).max() <= TOLERANCE * np.abs(expected[offered]).max()


@pytest.mark.parametrize("shape", [{}, {"layers": 1}, {"layers": 3, "heads": 4, "size": 32}])
def test_scores_are_those_of_the_batch_form(shape):
    sequence, rng = network(1, **shape), np.random.default_rng(1)
    scorer = scorer_of(sequence)
    lengths = [0, 1, 2, LENGTH - 1, LENGTH, LENGTH + 1, 10_000, *rng.integers(0, 3 * LENGTH, 330).tolist()]
    for n_events in lengths:
        at = 100 * MICROSECONDS_A_DAY + int(rng.integers(0, 2 ** int(rng.integers(1, 50))))
        agree(scorer, sequence, asked(drawn(rng, n_events), at, f"u{rng.integers(20)}"))


def test_a_session_goes_on_with_new_late_and_removed_events():
    """Every query after the first meets what the one before left in the cache."""
    sequence, rng = network(2), np.random.default_rng(2)
    scorer = scorer_of(sequence)
    for _ in range(10):
        events, at = drawn(rng, int(rng.integers(0, LENGTH + 6))), 100 * MICROSECONDS_A_DAY
        for _ in range(12):
            agree(scorer, sequence, asked(events, at))
            at += int(rng.integers(0, MICROSECONDS_A_DAY))
            change = rng.choice(["same", "new", "several", "late", "removed", "erased", "other"])
            if change == "new":
                events = [*events, (at, int(rng.integers(N_ITEMS)))]
            elif change == "several":
                events = [*events, *((at, int(item)) for item in rng.integers(0, N_ITEMS, rng.integers(2, 12)))]
            elif change == "late":
                events = [*events, *drawn(rng, 1)]
            elif change == "removed" and events:
                events.pop(int(rng.integers(len(events))))
            elif change == "erased":
                scorer.forget("u")
                events = []
            elif change == "other":
                events = drawn(rng, int(rng.integers(0, LENGTH + 6)))


def test_the_earlier_events_of_a_session_are_computed_once(monkeypatch):
    scorer, extended, one_by_one = scorer_of(network(3)), [], []
    extend, tails_of = Prefix.extend, Tails.of

    def counted(prefix, weights, items, gaps):
        extended.append(len(items))
        extend(prefix, weights, items, gaps)

    def counted_tails(weights, prefix, windows, n_shared):
        one_by_one.append(len(windows[0].items) - n_shared[0])
        return tails_of(weights, prefix, windows, n_shared)

    monkeypatch.setattr(Prefix, "extend", counted)
    monkeypatch.setattr(Tails, "of", counted_tails)
    events = [(second * 1_000_000, second % N_ITEMS) for second in range(20)]
    for n_events, at in ((17, 10**9), (17, 10**10), (18, 10**10), (20, 10**10)):
        scorer.score(asked(events[:n_events], at))
    assert extended == [16]
    assert one_by_one == [1, 1, 2, 3]  # the last event each time, and those that followed the last of the query before


def test_states_without_some_items_are_those_of_the_shorter_history():
    sequence, rng = network(6), np.random.default_rng(6)
    scorer = scorer_of(sequence)
    for n_events in (1, 2, 5, LENGTH - 1, LENGTH, LENGTH + 1, LENGTH + 9, 90):
        query = asked(drawn(rng, n_events), 10**15)
        left_out = [query.distinct[[place]] for place in range(len(query.distinct))]
        left_out += [rng.choice(query.distinct, min(2, len(query.distinct)), replace=False) for _ in range(8)]
        states = scorer.states_without(query, left_out)
        for items, state in zip(left_out, states, strict=True):
            kept = ~np.isin(query.items, items)
            shorter = asked(list(zip(query.times[kept].tolist(), query.items[kept].tolist(), strict=True)), query.at)
            if kept.any():
                close(scorer.weights.items @ state + scorer.weights.offset, sequence._scores(shorter.batch())[0])
            else:
                assert np.isnan(state).all()
        agree(scorer, sequence, query)


def test_users_do_not_mix_and_old_ones_make_room():
    sequence, rng = network(4), np.random.default_rng(4)
    histories = {f"u{user}": drawn(rng, 15) for user in range(10)}
    scorer = scorer_of(sequence)
    scorer.score(asked(histories["u0"], 10**15, "u0"))
    scorer.cache.max_bytes = 3 * scorer.cache.n_bytes
    for _ in range(3):
        for user_id, events in histories.items():
            agree(scorer, sequence, asked(events, 10**15, user_id))
    assert scorer.cache.user_ids() == ["u7", "u8", "u9"]
    scorer.forget("u9")
    scorer.forget("u0")  # was dropped before
    assert len(scorer.cache) == 2
    assert scorer.cache.n_bytes == 2 * scorer.cache.max_bytes // 3


def test_threads_share_a_session():
    sequence, rng = network(5), np.random.default_rng(5)
    scorer, events = scorer_of(sequence), drawn(rng, 20)
    queries = [asked(events[: int(n)], 10**15) for n in rng.integers(1, 21, 200)]
    with one_thread():
        expected = [sequence._scores(query.batch())[0] for query in queries]
        with ThreadPoolExecutor(4) as pool:
            scores = list(pool.map(scorer.score, queries))
    for row, other in zip(scores, expected, strict=True):
        close(row, other)


def test_without_training_nothing_is_offered():
    sequence = Sequence(SequenceParams(epochs=0))
    sequence._learn({})
    plan = sequence.query_plan()
    assert isinstance(plan, Ordered)
    assert not len(plan.order)
