"""The learned map: its choice of settings on pseudo-new items, its guard, and what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from models.retrieval.text_to_collaborative.closed_form import MapSettings, TasteSide, co_choices, packed, unpacked
from models.retrieval.text_to_collaborative.item_map import ItemMap, NewItems
from models.retrieval.text_to_collaborative.landmarks import choose_landmarks
from models.retrieval.text_to_collaborative.level_guard import LevelGuard
from models.retrieval.text_to_collaborative.own_evidence import with_own_evidence
from models.retrieval.text_to_collaborative.pseudo_new_items import choose_settings

N_USERS, N_ITEMS, SIZE = 300, 240, 12


@pytest.fixture(scope="module")
def world() -> tuple[sparse.csr_matrix, dict[str, np.ndarray]]:
    """People choose by tastes that `sentence` tells and `words` does not."""
    rng = np.random.default_rng(0)
    items, users = rng.normal(size=(N_ITEMS, SIZE)), rng.normal(size=(N_USERS, SIZE))
    chosen = rng.random((N_USERS, N_ITEMS)) < 1 / (1 + np.exp(2.5 - users @ items.T))
    rows = {"sentence": items, "words": rng.normal(size=(N_ITEMS, SIZE))}
    units = {name: (row / np.linalg.norm(row, axis=1, keepdims=True)).astype(np.float32) for name, row in rows.items()}
    return sparse.csr_matrix(chosen.astype(np.float32)), units


def test_the_kernel_that_tells_what_people_choose_gets_the_weight(world):
    matrix, vectors = world
    choice = choose_settings(matrix, vectors, np.arange(N_ITEMS), 1)
    assert choice.settings.weights["sentence"] >= 0.65
    assert choice.n_tried > 10 and choice.ndcg > 0.3
    assert choose_settings(matrix, vectors, np.arange(N_ITEMS), 1) == choice
    swapped = {"sentence": vectors["words"], "words": vectors["sentence"]}
    assert choose_settings(matrix, swapped, np.arange(N_ITEMS), 1).settings.weights["words"] >= 0.65


def test_with_few_items_the_settings_stay_those_of_the_start(world):
    matrix, vectors = world
    choice = choose_settings(matrix, vectors, np.arange(50), 1)
    assert choice.n_tried == 0
    assert choice.settings.weights == {"sentence": 0.5, "words": 0.5}


def test_the_taste_side_is_the_ridge_solution(world):
    matrix, _ = world
    part = matrix[:, :30].tocsr()
    n_users = np.asarray(part.getnnz(axis=0))
    damping = np.diag(n_users**-0.25)
    smooth = damping @ part.toarray().T @ part.toarray() @ damping
    whole = np.linalg.solve(smooth + 20 * np.eye(30), smooth) @ damping
    side = TasteSide.of(co_choices(part), n_users, 20.0)
    assert side.smoothed(np.eye(30, dtype=np.float32)) == pytest.approx(whole, abs=1e-4)
    assert side.transposed(np.ones(30, dtype=np.float32)) == pytest.approx(whole.sum(axis=0), abs=1e-4)
    assert np.array_equal(unpacked(packed(side.factor)), np.tril(side.factor))


def test_a_saved_map_gives_the_same_columns(world, tmp_path):
    matrix, vectors = world
    taught = {name: rows[:200] for name, rows in vectors.items()}
    parts = np.repeat(vectors["words"][200:, None], 3, axis=1)
    new = NewItems({name: rows[200:] for name, rows in vectors.items()}, parts, np.zeros(40, dtype=np.int64))
    settings = MapSettings(weights={"sentence": 0.7, "words": 0.3}, text=0.3)
    fitted = ItemMap.fit(matrix[:, :200].tocsr(), taught, settings, new)
    fitted.save(tmp_path)
    for ours, theirs in zip(fitted.columns(new), ItemMap.load(tmp_path).columns(new), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_level_beyond_what_the_parts_say_is_cut_down_and_by_less_where_people_chose():
    taught = np.eye(3, dtype=np.float32)
    levels = np.array([3.0, 0.0, -3.0], dtype=np.float32)
    rng = np.random.default_rng(1)
    whole = rng.integers(0, 3, 60)
    parts = np.repeat(taught[whole][:, None], 3, axis=1)
    guard = LevelGuard.fit(taught, levels, parts, levels[whole])
    # a plain text, one whose last third is borrowed from item 0, the same after three people chose it
    asked = np.array([taught[[1, 1, 1]], taught[[1, 1, 0]], taught[[1, 1, 0]]])
    excess = guard.excess(taught, asked, np.array([0.0, 2.0, 2.0], dtype=np.float32), np.array([0, 0, 3]))
    assert excess == pytest.approx([0.0, 2.0, 0.5], abs=1e-3)


def test_choices_say_for_whom_an_item_is_and_not_how_well_liked(world):
    matrix, vectors = world
    known, chosen = matrix[:, :200].tocsr(), matrix[:, 200:].tocsr()
    taste = TasteSide.of(co_choices(known), np.asarray(known.getnnz(axis=0)), 20.0)
    weights = np.ones((200, 40), dtype=np.float32) + vectors["words"][:200, :1] @ np.ones((1, 40), np.float32)
    prior, nobody = np.zeros(40, dtype=np.float32), sparse.csr_matrix(chosen.shape, dtype=np.float32)
    same = with_own_evidence(taste, weights, prior, known, nobody, known)
    assert np.array_equal(same[0], weights) and np.array_equal(same[1], prior)
    weights += np.random.default_rng(2).normal(size=weights.shape).astype(np.float32)
    own, less = with_own_evidence(taste, weights, prior, known, chosen, known)
    before, after = known @ weights, known @ own
    after = after / before.std(axis=1, keepdims=True) + less
    before = before / before.std(axis=1, keepdims=True)
    assert after.mean(axis=0) == pytest.approx(before.mean(axis=0), abs=1e-3)
    picked = chosen.toarray() > 0
    assert (after - before)[picked].mean() > (after - before)[~picked].mean() + 0.1


def clustered(n_items: int, seed: int = 3) -> tuple[sparse.csr_matrix, dict[str, np.ndarray]]:
    """People choose by taste of one of eight kinds of items; texts tell the kind."""
    rng = np.random.default_rng(seed)
    items = rng.normal(size=(8, 24))[rng.integers(0, 8, n_items)] + 0.4 * rng.normal(size=(n_items, 24))
    users = rng.normal(size=(400, 24)) / 2
    chosen = rng.random((400, n_items)) < 1 / (1 + np.exp(2.5 - users @ items.T))
    units = items / np.linalg.norm(items, axis=1, keepdims=True)
    return sparse.csr_matrix(chosen.astype(np.float32)), {"words": units.astype(np.float32)}


SETTINGS = MapSettings(weights={"words": 1.0}, power=2, kappa=0.3, smoothing=60.0)


def columns_by(
    n_landmarks: int | None, settings: MapSettings = SETTINGS
) -> tuple[np.ndarray, np.ndarray, ItemMap, NewItems]:
    """Columns and priors of 60 new items by 600 taught ones, with their parts guarded."""
    matrix, vectors = clustered(660)
    taught, new = matrix[:, :600].tocsr(), {name: rows[600:] for name, rows in vectors.items()}
    parts = np.repeat(new["words"][:, None], 3, axis=1)
    items = NewItems(new, parts, np.zeros(60, dtype=np.int64))
    n_users = np.asarray(taught.getnnz(axis=0))
    landmarks = None if n_landmarks is None else choose_landmarks(n_users, n_landmarks)
    rows = {name: one[:600] for name, one in vectors.items()}
    fitted = ItemMap.fit(taught, rows, settings, items, landmarks)
    return *fitted.columns(items), fitted, items


def test_landmarks_are_half_the_most_chosen_and_half_spread_over_the_others():
    n_users = np.array([1, 9, 3, 8, 2, 7, 5, 4])
    assert choose_landmarks(n_users, 4).tolist() == [0, 1, 3, 5]  # 9 and 8; of 7 5 4 3 2 1 the first and the last
    assert choose_landmarks(n_users, 20).tolist() == list(range(8))


def test_all_items_as_landmarks_give_the_exact_map():
    plain = SETTINGS.model_copy(update={"power": 1})  # a plain cosine has no negative eigenvalue that would be left out
    exact, all_of_them = columns_by(None, plain), columns_by(600, plain)
    assert all_of_them[0] == pytest.approx(exact[0], abs=2e-3 * float(np.abs(exact[0]).max()))
    assert all_of_them[1] == pytest.approx(exact[1], abs=2e-3 * float(np.abs(exact[1]).max()))


def test_a_fifth_of_the_items_as_landmarks_ranks_new_items_almost_as_all_do():
    """Scores of everybody for the new items: relative error below a tenth, less with more landmarks."""
    histories = clustered(660)[0][:, :600]
    exact = histories @ columns_by(None)[0]
    errors = []
    for n_landmarks in (30, 120, 300):
        approximate = histories @ columns_by(n_landmarks)[0]
        errors.append(np.linalg.norm(approximate - exact) / np.linalg.norm(exact))
    assert errors == sorted(errors, reverse=True) and errors[1] < 0.1, errors


def test_a_saved_map_by_landmarks_gives_the_same_columns(tmp_path):
    weights, prior, fitted, items = columns_by(120)
    fitted.save(tmp_path)
    again = ItemMap.load(tmp_path).columns(items)
    assert np.array_equal(again[0], weights) and np.array_equal(again[1], prior)
