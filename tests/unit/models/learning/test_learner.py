"""Additive learning: the sums of a log, advanced row by row in any order, give what a fit on all rows gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.events.event_columns import EventColumns
from features.positives import DEFAULT_POSITIVES
from models.additive.learns_additively import LearnsAdditively
from models.additive.pair_sums import PairRows, PairSums
from models.data.types import Catalogue, Log
from models.learning.base import base_without, make_base, read_base, write_base
from models.learning.learner import Learner
from models.learning.params import Params
from models.learning.user_rows import BaseRows, UserRows, key_of
from models.registry import load_retriever, make, part_names
from models.retrieval.item_similarity import strongest
from tests.support.part_inputs import DAY, make_catalogue

N_ITEMS = 14
PARAMS = [
    ("popular", {}),
    ("popular", {"half_life_days": None}),
    ("popular", {"segment": "category", "half_life_days": 3}),
    ("item_knn", {"neighbors": 50}),
    ("item_knn", {"neighbors": 50, "similarity": "pearson", "shrinkage": 1}),
    ("item_knn", {"similarity": "jaccard_tags"}),
    ("graph", {}),
    ("graph", {"alpha": 1.3, "beta": 0}),
    ("markov", {"window": 3}),
    ("markov", {"window": 4, "half_life_days": 5, "gap_power": 0.5, "shrinkage": 2}),
    ("markov", {"backward": 0, "shrinkage": 0}),
]


def catalogue() -> Catalogue:
    made = make_catalogue(N_ITEMS, tags=[[f"t{place % 4}"] for place in range(N_ITEMS)])
    codes = np.array([place % 4 - 1 for place in range(N_ITEMS)], dtype=np.int32)
    return replace(made, categories=codes, category_names=["a", "b", "c"])


def rows(n_rows: int, seed: int, *, first_user: int = 0, from_day: float = 0.0) -> list[tuple[str, int, int, float]]:
    """User, item, time, weight: in time order, several of one instant among them."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 40, n_rows)) * DAY // 4 + int(from_day * DAY)
    users, items = rng.integers(first_user, first_user + 9, n_rows), rng.integers(0, N_ITEMS, n_rows)
    weights = rng.choice([1.0, 1.0, 0.5, 0.25, 0.0], n_rows)  # whose products 32 bits hold: `fit` rounds others
    return [
        (f"u{user}", int(item), int(time), float(weight))
        for user, item, time, weight in zip(users, items, times, weights, strict=True)
    ]


def log_of(known: list, new: list = ()) -> Log:
    """Known rows as they stand, new ones by time, then item, each at its place in time."""
    new = [(user, item, time, 1.0) for user, item, time, *_ in sorted(new, key=lambda row: (row[2], row[1]))]
    together = sorted([*known, *new], key=lambda row: row[2])  # stable: known ones first
    names = sorted({row[0] for row in together})
    users, items, times, weights = zip(*together, strict=True)
    return Log(
        user_ids=np.array(names, dtype=np.object_),
        users=np.array([names.index(user) for user in users], dtype=np.int32),
        items=np.array(items, dtype=np.int32),
        times=np.array(times, dtype=np.int64),
        values=np.full(len(items), np.nan, dtype=np.float32),
        weights=np.array(weights, dtype=np.float32),
        at=max(times),
    )


def events_of(new: list, first_seq: int = 1, kind: str = "click") -> EventColumns:
    return EventColumns.of_rows(
        [(seq, user, f"i{item}", kind, time, None, time) for seq, (user, item, time, *_) in enumerate(new, first_seq)]
    )


def weights_of(part) -> np.ndarray:
    """Everything that was learned, dense."""
    if hasattr(part, "weights_"):
        return part.weights_.toarray()
    return np.vstack([part.scores_[None], *([] if part.segments_ is None else [part.segments_.toarray()])])


def learner(part, known: list, **params) -> Learner:
    base = make_base({"part": part}, catalogue(), log_of(known), Params(**params))
    return Learner({"part": part}, catalogue(), base, DEFAULT_POSITIVES, 0)


def test_the_additive_retrievers_are_these():
    names = [name for name in part_names("retriever") if isinstance(load_retriever(name)(), LearnsAdditively)]
    assert names == ["graph", "item_knn", "markov", "popular"]


@pytest.mark.parametrize(("name", "params"), PARAMS, ids=str)
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_learned_is_a_fit_on_all_rows_whatever_the_order(name, params, seed):
    known, new = rows(120, seed), rows(70, seed + 10, first_user=6, from_day=7)  # users and times overlap
    part = make("retriever", name, params).fit(log_of(known), catalogue())
    expected = weights_of(make("retriever", name, params).fit(log_of(known, new), catalogue()))
    rng = np.random.default_rng(seed)
    for n_batches in (1, 4, 70):
        shuffled = [new[place] for place in rng.permutation(len(new))]
        learns = learner(part, known)
        for batch in np.array_split(np.arange(len(new)), n_batches):
            learns.take_in(events_of([shuffled[place] for place in batch], int(batch[0]) + 1))
            found = learns.learned()
        if params.get("similarity") == "jaccard_tags":  # tags change nothing
            assert found.parts == {}
            continue
        assert found.position == 70 and found.n_rows == 70 and not found.left_out
        assert weights_of(found.parts["part"]) == pytest.approx(expected, rel=1e-6, abs=1e-12)
        assert not np.allclose(weights_of(part), expected, rtol=1e-3)  # there was something to learn


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("popular", {"half_life_days": 0.003, "segment": "category"}),
        ("markov", {"half_life_days": 0.008, "shrinkage": 2}),
    ],
)
def test_data_of_thousands_of_half_lives_ago_are_no_obstacle(name, params):
    known, new = rows(120, 20), rows(60, 21, from_day=14)
    new = sorted(new, key=lambda row: row[2])
    part = make("retriever", name, params).fit(log_of(known), catalogue())
    expected = weights_of(make("retriever", name, params).fit(log_of(known, new), catalogue()))
    assert np.isfinite(expected).all() and expected.any()
    for n_batches in (1, 6):
        learns = learner(part, known)
        for batch in np.array_split(np.arange(len(new)), n_batches):
            learns.take_in(events_of([new[place] for place in batch], int(batch[0]) + 1))
            found = weights_of(learns.learned().parts["part"])
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("name", ["item_knn", "graph", "markov"])
def test_the_strongest_neighbours_are_selected_as_a_fit_selects_them(name):
    params = {"keep": 3} if name == "markov" else {"neighbors": 3}
    known, new = rows(120, 3), rows(60, 4)
    part = make("retriever", name, params).fit(log_of(known), catalogue())
    learns = learner(part, known)
    learns.take_in(events_of(new))
    found = learns.learned().parts["part"].weights_
    expected = make("retriever", name, params).fit(log_of(known, new), catalogue()).weights_
    assert np.diff(found.indptr).tolist() == np.diff(expected.indptr).tolist()
    assert np.diff(found.indptr).max() == 3
    for row in range(N_ITEMS):
        assert np.sort(found[row].data) == pytest.approx(np.sort(expected[row].data), rel=1e-6)


def test_nothing_new_gives_the_released_part():
    known = rows(150, 5)
    for name, params in PARAMS:
        part = make("retriever", name, params).fit(log_of(known), catalogue())
        found = learner(part, known).learned()
        assert found.position == 0
        for learned in found.parts.values():
            assert weights_of(learned) == pytest.approx(weights_of(part), rel=1e-6, abs=1e-12)


def test_only_positive_events_on_known_items_count_and_each_once():
    known, new = rows(60, 6), rows(9, 7)
    part = make("retriever", "popular").fit(log_of(known), catalogue())
    learns = learner(part, known)
    before = weights_of(learns.learned().parts["part"])
    learns.take_in(events_of(new, 1, kind="impression"))
    learns.take_in(EventColumns.of_rows([(10, "u1", "elsewhere", "click", 3 * DAY, None, 3 * DAY)]))
    learns.take_in(EventColumns.of_rows([(11, "erased-11", "i3", "click", 3 * DAY, None, 3 * DAY)]))
    assert learns.position == 11 and learns.n_waiting == 0
    assert learns.learned().position == 0
    assert np.array_equal(weights_of(learns.learned().parts["part"]), before)
    learns.take_in(events_of(new, 12))
    once = weights_of(learns.learned().parts["part"])
    learns.take_in(events_of(new, 12))  # read again
    assert learns.learned().n_rows == 9 and learns.learned().position == 20
    assert np.array_equal(weights_of(learns.learned().parts["part"]), once)
    assert not np.array_equal(once, before)


def test_who_has_too_many_pairs_teaches_no_more_than_the_release_says_and_is_counted():
    known = rows(100, 8)
    heavy = [("u1", item % N_ITEMS, 12 * DAY + item, 1.0) for item in range(30)]
    light = [("new", 3, 13 * DAY, 1.0), ("new", 5, 14 * DAY, 1.0)]
    part = make("retriever", "graph").fit(log_of(known), catalogue())
    n_known = sum(row[0] == "u1" for row in known)
    most = (n_known + 20) ** 2  # passed by the 21st row
    whole = learner(part, known, max_pairs=most)
    whole.take_in(events_of([*heavy, *light]))
    found = whole.learned()
    assert found.left_out == {"part": 30}
    expected = weights_of(make("retriever", "graph").fit(log_of(known, light), catalogue()))
    assert weights_of(found.parts["part"]) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    stepwise = learner(part, known, max_pairs=most)
    for seq, row in enumerate([*light, *heavy], 1):
        stepwise.take_in(events_of([row], seq))
        stepwise.learned()
    assert stepwise.learned().left_out == {"part": 30}
    assert weights_of(stepwise.learned().parts["part"]) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", ["graph", "item_knn", "markov"])
def test_a_change_is_the_sums_after_less_those_before(name):
    part = make("retriever", name, {"window": 3} if name == "markov" else {})
    known, new = rows(120, 13), rows(12, 14, first_user=7, from_day=3)  # amid known rows, and of new users
    users = UserRows(BaseRows.of(log_of(known)))
    keys = [key_of(f"u{user}") for user in range(7, 16)]
    for key in keys:
        users.add(key, 0, 0)
    for user, item, time, _ in new:
        users.add(key_of(user), item, time)
    base, _, after = users.counts(keys)
    before = users.log(keys, base)
    pairs, sums = part.change(before, users.log(keys, after), catalogue())
    old_pairs, old_sums = part.statistics(before, catalogue())
    all_pairs, all_sums = part.statistics(users.log(keys, after), catalogue())
    assert pairs.toarray() == pytest.approx((all_pairs - old_pairs).toarray(), abs=1e-12)
    assert abs(pairs).sum() > 1
    for key in set(sums) - {"n_users"}:
        assert sums[key] == pytest.approx(all_sums[key] - old_sums[key], abs=1e-12)
    if name == "item_knn":
        assert sums["n_users"].tolist() == [float((base == 0).sum())]


def test_a_written_base_goes_on_where_it_was(tmp_path):
    known, new = rows(90, 9), rows(40, 10)
    parts = {f"{name}{n}": make("retriever", name, params) for n, (name, params) in enumerate(PARAMS)}
    parts = {name: part.fit(log_of(known), catalogue()) for name, part in parts.items()}
    base = make_base(parts, catalogue(), log_of(known), Params(max_pairs=7_000))
    write_base(base, tmp_path / "learning")
    write_base(base, tmp_path / "learning")  # in place of itself
    read = read_base(tmp_path / "learning")
    assert read is not None and read.params.max_pairs == 7_000
    assert [path.name for path in tmp_path.iterdir()] == ["learning"]
    states = []
    for one in (base, read):
        learns = Learner(parts, catalogue(), one, DEFAULT_POSITIVES, 0)
        learns.take_in(events_of(new))
        states.append({name: weights_of(part) for name, part in learns.learned().parts.items()})
    assert states[0].keys() == states[1].keys() == {name for name in parts if not name.endswith("5")}
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    assert read_base(tmp_path / "nowhere") is None


def test_an_erased_user_has_never_been_there():
    known = rows(90, 11)
    part = make("retriever", "item_knn").fit(log_of(known), catalogue())
    base = make_base({"part": part}, catalogue(), log_of(known), Params())
    left = base_without(base, key_of("u3"), {"part": part}, catalogue())
    assert left is not None and key_of("u3") not in left.rows.keys.tolist()
    others = log_of([row for row in known if row[0] != "u3"])
    learns = Learner({"part": part}, catalogue(), left, DEFAULT_POSITIVES, 0)
    expected = make("retriever", "item_knn").fit(others, catalogue())
    assert weights_of(learns.learned().parts["part"]) == pytest.approx(weights_of(expected), rel=1e-6)
    assert base_without(base, key_of("nobody"), {"part": part}, catalogue()) is None


def test_weighing_selects_the_strongest_with_ties_by_column():
    rng = np.random.default_rng(12)
    dense = rng.integers(0, 4, (20, 30)).astype(np.float64)  # many ties
    change = (rng.random((20, 30)) < 0.2) * 1.0
    from scipy import sparse

    sums = PairSums(PairRows.of(sparse.csr_matrix(dense)))
    sums.add(sparse.csr_matrix(change))
    left, right = rng.choice([1.0, 2.0], 20), rng.choice([1.0, 4.0], 30)
    values = ((dense + change) / (left[:, None] * right + 1.5)).astype(np.float32)
    for keep in (1, 7, None):
        expected = strongest(lambda start, stop: values[start:stop], 20, 30, keep)
        found = sums.weighted(left, right, shrinkage=1.5, keep=keep)
        assert np.array_equal(found.toarray(), expected.toarray())
        assert found.indices.tolist() == expected.indices.tolist()
