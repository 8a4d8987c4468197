"""The sequence retriever in worlds where it is known what comes next, and its parts against independent arithmetic."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from features.errors import UserError
from models.compute.optimizer import Descent
from models.data.queries import one_query
from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.explain import contributions, without
from models.retrievers.sequence import Sequence, SequenceParams
from models.transformer.batches import Histories
from models.transformer.inference import keys_of, states_after
from models.transformer.loss import SoftmaxLoss
from models.transformer.negatives import Classes
from models.transformer.network import Hiding, Network
from models.transformer.shape import Shape, gap_buckets

MINUTE, DAY = 60_000_000, 86_400_000_000
QUICK = {
    "embedding_size": 16,
    "max_length": 12,
    "learning_rate": 0.02,
    "dropout": 0.0,
    "batch_tokens": 256,
    "epochs": 30,
}


def make_catalogue(n_items: int, vectors: np.ndarray | None = None) -> Catalogue:
    return Catalogue(
        vocabulary=Vocabulary([f"i{place}" for place in range(n_items)]),
        titles=[None] * n_items,
        tags=[[] for _ in range(n_items)],
        category_names=[],
        categories=np.full(n_items, -1, dtype=np.int32),
        prices=np.full(n_items, np.nan, dtype=np.float32),
        created_at=np.full(n_items, np.iinfo(np.int64).min),
        vectors=None if vectors is None else vectors.astype(np.float32),
    )


def make_log(histories: list[list[tuple[int, int]]], trust: list[list[float]] | None = None) -> Log:
    """From each user's (item, µs); trust likewise."""
    rows = sorted(
        (time, user, item, place) for user, own in enumerate(histories) for place, (item, time) in enumerate(own)
    )
    return Log(
        user_ids=np.array([f"u{user:03}" for user in range(len(histories))]),
        users=np.array([user for _, user, _, _ in rows], dtype=np.int32),
        items=np.array([item for _, _, item, _ in rows], dtype=np.int32),
        times=np.array([time for time, _, _, _ in rows], dtype=np.int64),
        values=np.full(len(rows), np.nan, dtype=np.float32),
        weights=np.array(
            [1.0 if trust is None else trust[user][place] for _, user, _, place in rows], dtype=np.float32
        ),
        at=max(time for time, _, _, _ in rows),
    )


def walks(n_items: int, direction: int, n_users: int = 60, steps: int = 5) -> list[list[tuple[int, int]]]:
    """Users who walk around a ring of items, a day a step."""
    return [
        [((user + direction * step) % n_items, (user + step) * DAY) for step in range(steps)] for user in range(n_users)
    ]


def ask(sequence: Sequence, catalogue: Catalogue, items: list[int], *, k: int = 1, gap: int = DAY, step: int = DAY):
    """Positions for one who had these items, `step` apart, `gap` ago."""
    times = [100 * DAY + step * place for place in range(len(items))]
    query = one_query("x", times[-1] + gap, [f"i{item}" for item in items], times, catalogue.vocabulary)
    return sequence.retrieve(query, k).items[0].tolist()


@pytest.fixture(scope="module")
def ring() -> tuple[Sequence, Catalogue, Log]:
    """Half of the users walk up a ring of ten items, half down."""
    catalogue, log = make_catalogue(10), make_log(walks(10, 1) + walks(10, -1))
    return Sequence(SequenceParams(**QUICK)).fit(log, catalogue), catalogue, log


def test_learns_what_comes_next_and_that_order_matters(ring):
    sequence, catalogue, _ = ring
    for item in range(10):
        assert ask(sequence, catalogue, [item, (item + 1) % 10]) == [(item + 2) % 10]
        assert ask(sequence, catalogue, [(item + 1) % 10, item]) == [(item - 1) % 10]


def test_the_time_since_the_last_event_matters():
    """Item 1 follows item 0 within minutes, item 2 follows it after weeks."""
    soon = [[(0, user * DAY), (1, user * DAY + 2 * MINUTE)] for user in range(60)]
    late = [[(0, user * DAY), (2, (user + 30) * DAY)] for user in range(60)]
    catalogue = make_catalogue(4)
    sequence = Sequence(SequenceParams(**QUICK)).fit(make_log(soon + late), catalogue)
    assert ask(sequence, catalogue, [0], gap=2 * MINUTE) == [1]
    assert ask(sequence, catalogue, [0], gap=30 * DAY) == [2]


def test_a_new_item_is_scored_by_its_text_and_one_without_text_is_not_offered():
    """Items 0-5 speak of one thing, 6-11 of another, and nobody crosses over; 12 and 13 are new, 14 says nothing."""
    rng = np.random.default_rng(3)
    vectors = np.zeros((15, 8))
    vectors[[0, 1, 2, 3, 4, 5, 12], 0] = 1
    vectors[[6, 7, 8, 9, 10, 11, 13], 1] = 1
    vectors[:14] += rng.normal(scale=0.2, size=(14, 8))
    vectors[:14] /= np.linalg.norm(vectors[:14], axis=1, keepdims=True)
    catalogue = make_catalogue(15, vectors)
    rows = [
        [(int(item) + 6 * (user % 2), (user + step) * DAY) for step, item in enumerate(rng.permutation(6)[:4])]
        for user in range(120)
    ]
    sequence = Sequence(SequenceParams(**{**QUICK, "hidden_text": 0.3})).fit(make_log(rows), catalogue)
    for history, near, far in (([0, 3], 12, 13), ([1, 5], 12, 13), ([6, 8], 13, 12), ([11, 9], 13, 12)):
        found = ask(sequence, catalogue, history, k=15)
        assert found.index(near) < found.index(far)
        assert 14 not in found
    assert ask(sequence, catalogue, [12], k=1)[0] in range(6)  # read by its text as well


def test_what_is_trusted_little_teaches_little():
    rows = [[(0, user * DAY), (1 + user % 2, (user + 1) * DAY)] for user in range(80)]
    for trusted in (1, 2):
        trust = [[1.0, 1.0 if 1 + user % 2 == trusted else 0.1] for user in range(80)]
        catalogue = make_catalogue(3)
        sequence = Sequence(SequenceParams(**{**QUICK, "epochs": 15})).fit(make_log(rows, trust), catalogue)
        assert ask(sequence, catalogue, [0]) == [trusted]


def test_large_catalogues_compete_with_a_draw_and_learn_the_same(ring):
    _, catalogue, log = ring
    params = SequenceParams(**QUICK, full_softmax_items=1, negatives=6)
    sequence = Sequence(params).fit(log, catalogue)
    found = [ask(sequence, catalogue, [item, (item + 1) % 10]) == [(item + 2) % 10] for item in range(10)]
    assert sum(found) >= 9


def test_no_epochs_step_aside(ring, tmp_path):
    _, catalogue, log = ring
    sequence = Sequence(SequenceParams(epochs=0)).fit(log, catalogue)
    sequence.save(tmp_path)
    assert ask(Sequence.load(tmp_path), catalogue, [1, 2], k=3) == [-1, -1, -1]


def test_only_the_newest_events_are_looked_at(ring):
    sequence, catalogue, _ = ring
    recent = [4, 5, 6, 7, 6, 5, 4, 5, 6, 7, 8, 9]
    assert len(recent) == sequence.params.max_length
    assert ask(sequence, catalogue, [1, 1, 3, *recent], k=1) == ask(sequence, catalogue, recent, k=1)


def test_no_history_no_hits(ring):
    sequence, catalogue, _ = ring
    query = one_query("x", DAY, [], [], catalogue.vocabulary)
    assert (sequence.retrieve(query, 3).items == -1).all()


def test_the_last_step_explains_the_next(ring):
    sequence, catalogue, _ = ring
    query = one_query("x", 4 * DAY, ["i1", "i2", "i3"], [0, DAY, 2 * DAY], catalogue.vocabulary)
    falls = contributions(sequence, query, [np.array([item]) for item in (1, 2, 3)], np.array([4]))[:, 0]
    assert falls.argmax() == 2
    assert falls[2] > 0


def test_a_history_is_scored_alike_alone_and_beside_others_that_begin_alike(ring):
    sequence, catalogue, _ = ring
    long = [*range(9), *range(9)]
    query = one_query("x", 99 * DAY, [f"i{item}" for item in long], np.arange(18) * DAY, catalogue.vocabulary)
    for history in (query, without(query, [np.array([], dtype=np.int32)])):
        every = sequence.scores_of(without(history, [np.array([item]) for item in range(9)]), np.arange(10))
        for item in range(9):
            alone = sequence.scores_of(without(history, [np.array([item])]), np.arange(10))[0]
            assert every[item] == pytest.approx(alone, abs=1e-5)


def test_going_on_starts_from_what_was_learned(ring):
    sequence, catalogue, log = ring
    still = Sequence(SequenceParams(**QUICK, refit_epochs=0)).refit(log, catalogue, sequence)
    assert {name: found.tobytes() for name, found in still.arrays_.items()} == {
        name: found.tobytes() for name, found in sequence.arrays_.items()
    }
    further = Sequence(SequenceParams(**{**QUICK, "epochs": 1}, refit_epochs=1)).refit(log, catalogue, sequence)
    assert ask(further, catalogue, [3, 4]) == [5]
    with pytest.raises(UserError, match="its ids are \\(10, 16\\), expected \\(11, 16\\)"):
        Sequence(SequenceParams(**QUICK)).refit(log, make_catalogue(11), sequence)


def test_heads_must_divide_size():
    with pytest.raises(UserError, match="no multiple of heads 3"):
        Sequence(SequenceParams(embedding_size=16, heads=3))


def test_the_same_bytes_on_any_number_of_torch_threads(ring, tmp_path):
    _, catalogue, log = ring
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            sequence = Sequence(SequenceParams(**{**QUICK, "epochs": 3, "dropout": 0.3}, threads=2))
            sequence.fit(log, catalogue).save(tmp_path / str(threads))
            assert torch.get_num_threads() == threads
            found.append((tmp_path / str(threads) / "network.safetensors").read_bytes())
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]


def test_numpy_answers_what_torch_learned():
    shape, rng = Shape(size=16, layers=2, heads=4, length=9), np.random.default_rng(4)
    network = Network(7, None, shape, seed=5)
    with torch.no_grad():
        for value in network.parameters():
            value += torch.from_numpy(rng.normal(scale=0.3, size=value.shape).astype(np.float32))
    arrays = {name: value.detach().numpy() for name, value in network.named_parameters()}
    items, gaps = np.array([3, 1, 6, 6, 0]), np.array([4, 0, 9, 2, 17])
    seen = Hiding(0.0, rng)
    with torch.no_grad():
        states = network(network.vectors(seen)[items][None], torch.from_numpy(gaps)[None], seen)[0].numpy()
    for last in (0, 3, 4):  # causal: a state does not know what comes after it
        alone = states_after(arrays, arrays["ids"][items[None, : last + 1]], gaps[None, : last + 1], shape)[0]
        assert alone == pytest.approx(states[last], abs=2e-5)
    vectors = arrays["ids"][items]
    keys = keys_of(arrays, vectors[:2], gaps[:2], shape)
    several = states_after(arrays, vectors[None, 2:].repeat(3, 0), gaps[None, 2:].repeat(3, 0), shape, keys)
    assert several == pytest.approx(states[[4, 4, 4]], abs=2e-5)


def test_answering_imports_no_torch(ring, tmp_path):
    ring[0].save(tmp_path)
    words = (
        "import sys, numpy as np; from pathlib import Path; from models.retrievers.sequence import Sequence; "
        f"s = Sequence.load(Path({str(tmp_path)!r})); from models.data.queries import one_query; "
        "from models.data.vocabulary import Vocabulary; "
        "names = Vocabulary([f'i{place}' for place in range(10)]); "
        "s.scores_of(one_query('x', 9, ['i1', 'i2'], [1, 2], names), np.array([3])); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.bfloat16, 0.01), (torch.float32, 1e-6)])
@pytest.mark.parametrize("offsets", [None, [0.5, -1.0, 0.0, float("-inf"), 2.0]])
def test_the_loss_and_its_gradients_are_those_of_a_plain_softmax(offsets, kind, tolerance):
    chance = torch.Generator().manual_seed(2)
    hidden = torch.randn(6, 4, generator=chance, requires_grad=True)
    classes = torch.randn(5, 4, generator=chance, requires_grad=True)
    targets, weights = torch.tensor([0, 3, 4, 1, 3, 2]), torch.tensor([0.1, 0.3, 0.05, 0.25, 0.2, 0.1])
    correction = None if offsets is None else torch.tensor(offsets)
    SoftmaxLoss.apply(hidden, classes, correction, targets, weights, kind).backward()
    found = hidden.grad.clone(), classes.grad.clone()
    hidden.grad = classes.grad = None
    logits = hidden @ classes.T
    if correction is not None:
        own = torch.nn.functional.one_hot(targets, 5).bool()
        logits = torch.where(own, logits, logits + correction)
    loss = (torch.nn.functional.cross_entropy(logits, targets, reduction="none") * weights).sum()
    loss.backward()
    assert found[0].numpy() == pytest.approx(hidden.grad.numpy(), abs=tolerance)
    assert found[1].numpy() == pytest.approx(classes.grad.numpy(), abs=tolerance)


def test_a_draw_estimates_the_whole_sum():
    """Σ over the draw of exp(logit + offset) has the sum over all items as its mean."""
    rng = np.random.default_rng(0)
    items = rng.choice(30, 500, p=np.arange(1, 31) / 465)
    items[:30] = np.arange(30)
    histories = Histories(np.zeros(500, np.int64), items, np.arange(500), np.ones(500, np.float32))
    classes, logits = Classes.of(histories, 30, 10, 40), rng.normal(size=30)
    sums = []
    for _ in range(3000):
        chosen, offsets = classes.draw(np.array([7, 7, 3]), rng)
        assert {3, 7} <= set(chosen.tolist())
        sums.append(np.exp(logits[chosen] + offsets).sum())
    assert np.mean(sums) == pytest.approx(np.exp(logits).sum(), rel=0.02)


def test_every_first_act_is_expected_after_the_one_before_and_after_the_instant_before():
    own = [[(item % 7, item * DAY) for item in range(23)], [(0, 1), (1, 5), (2, 5), (3, 9)], [(4, 1)]]
    histories, rng = Histories.of(make_log(own)), np.random.default_rng(1)
    for _ in range(9):
        pairs = []
        for batches in histories.epoch(rng, length=6, tokens=12, parts=2):
            assert len(batches) <= 2
            for batch in batches:
                assert batch.items.shape[1] <= 6
                pairs += list(zip(batch.items.ravel()[batch.places].tolist(), batch.targets.tolist(), strict=True))
        walk = [(item, item + 1) for item in range(6)]  # from 7 on the user repeats
        one = [*walk, (0, 1), (0, 2), (1, 2), (2, 3)]
        two = [*walk, (0, 1), (0, 2), (2, 1), (1, 3)]
        assert sorted(pairs) in (sorted(one), sorted(two))


def test_acts_at_one_instant_come_as_they_were_recorded():
    histories, rng = Histories.of(make_log([[(1, 5), (2, 5)]])), np.random.default_rng(1)
    firsts = {
        int(batch.items[0, 0]) for _ in range(20) for batches in histories.epoch(rng, 6, 12, 1) for batch in batches
    }
    assert firsts == {1}


def test_gaps_are_buckets_of_doubling_seconds():
    gaps = np.array([-5, 0, 0.9, 1, 2, 3, 4, 7, 8, 86_400, 10**12]) * 1_000_000
    assert gap_buckets(gaps.astype(np.int64)).tolist() == [0, 0, 0, 1, 2, 2, 3, 3, 4, 17, 30]


def test_descent_moves_by_mean_over_root_of_squares_and_shrinks_what_decays():
    value, other = torch.tensor([0.5, -0.2]), torch.tensor([0.5])
    descent = Descent({"x": value, "y": other}, ["x"], weight_decay=0.1)
    descent.step([torch.tensor([0.3, -0.2]), torch.tensor([0.0])], 0.01)
    # the first step is of length learning_rate against the gradient's sign, after x has lost 0.1 · 0.01 of itself
    assert value.tolist() == pytest.approx([0.5 * 0.999 - 0.01, -0.2 * 0.999 + 0.01])
    descent.step([torch.tensor([0.1, 0.0]), torch.tensor([0.0])], 0.01)
    means, squares = (0.9 * 0.03 + 0.01) / (1 - 0.9**2), (0.98 * 0.02 * 0.09 + 0.02 * 0.01) / (1 - 0.98**2)
    assert float(value[0]) == pytest.approx((0.5 * 0.999 - 0.01) * 0.999 - 0.01 * means / squares**0.5)
    assert other.tolist() == [0.5]


def test_a_steps_gradient_is_cut_to_length_one():
    descent = Descent({"x": torch.zeros(2)}, [], weight_decay=0.0)
    descent.step([torch.tensor([300.0, -400.0])], 0.01)
    assert descent.means[0].tolist() == pytest.approx([0.06, -0.08])  # a tenth of (0.6, -0.8)
