"""Feature rows on disk answer as the array would, and nothing depends on how many are read together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import models.ranking.rows
import models.ranking.training
from models.ranking.ranker_data import RankerData
from models.ranking.rows import RowFile, blocks_of_rows, where
from models.ranking.training import Params, ndcg_of, train_ranker

NAMES = ("inverse_rank:a", "score:a", "hint")


@pytest.fixture
def array():
    return np.arange(50, dtype=np.float32).reshape(10, 5)


@pytest.fixture
def stored(array, tmp_path, monkeypatch):
    monkeypatch.setattr(models.ranking.rows, "ROWS_AT_ONCE", 3)
    file = RowFile(tmp_path / "rows", 5)
    file.append(array[:7])
    file.append(array[7:])
    return file.rows()


def test_a_mask_a_slice_and_positions_read_what_they_would_of_the_array(array, stored):
    mask = np.array([0, 1, 1, 0, 0, 0, 0, 0, 1, 1], dtype=np.bool_)
    assert stored.shape == array.shape
    assert np.array_equal(stored[mask], array[mask])
    assert np.array_equal(stored[2:9], array[2:9])
    assert np.array_equal(stored[np.array([0, 4, 9])], array[[0, 4, 9]])
    assert stored[:0].shape == (0, 5)


def test_some_rows_of_some_rows_are_read_from_their_own_places(array, stored):
    outer = np.array([1, 0, 1, 0, 1, 0, 1, 0, 1, 0], dtype=np.bool_)
    inner = np.array([0, 1, 1, 0, 1], dtype=np.bool_)
    some = where(where(stored, outer), inner)
    assert len(some) == 3
    assert np.array_equal(some[:], array[[2, 4, 8]])
    assert np.array_equal(np.concatenate(list(blocks_of_rows(where(stored, outer)))), array[outer])


def test_rows_of_another_width_are_refused(tmp_path, array):
    with pytest.raises(ValueError, match="rows of 5 features, expected 4"):
        RowFile(tmp_path / "rows", 4).append(array)


def test_what_is_trained_does_not_depend_on_how_many_rows_are_read_together(tmp_path, monkeypatch):
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 30, 300).astype(np.int32)
    n_rows = int(groups.sum())
    features = rng.random((n_rows, 3)).astype(np.float32)
    labels = (features[:, 2] > 0.8).astype(np.float32)
    n_targets = np.bincount(np.repeat(np.arange(300), groups), labels, minlength=300).astype(np.int64)
    users = np.array([f"u{number}" for number in range(300)])
    params = Params(name="lightgbm", lightgbm={"n_trees": 20, "min_data_in_leaf": 20})
    data = RankerData(
        features=features,
        labels=labels,
        groups=groups,
        n_targets=n_targets,
        user_ids=users,
        live=np.ones(300, dtype=np.bool_),
        names=NAMES,
    )
    whole = train_ranker(data, params)
    for module in (models.ranking.rows, models.ranking.training):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 64)
    file = RowFile(tmp_path / "rows", 3)
    file.append(features)
    parts = train_ranker(replace(data, features=file.rows()), params)
    assert parts.name == "lightgbm"
    assert parts.figures == whole.figures
    assert parts.ranker.models_ == whole.ranker.models_


def test_ndcg_of_a_query_is_the_same_in_every_block(monkeypatch):
    scores = np.array([3, 2, 1, 1, 2, 3, 9], dtype=np.float32)
    labels = np.array([0, 1, 0, 1, 0, 0, 1], dtype=np.float32)
    groups, n_targets = np.array([3, 0, 3, 1], dtype=np.int32), np.array([1, 2, 1, 2])
    # the hit is second, third and first; of two targets one place at k = 1 is ideal
    expected = [1 / np.log2(3), 0.0, 1 / np.log2(4), 1.0 / (1.0 + 1 / np.log2(3))]
    for rows_at_once in (1, 3, 4, 100):
        monkeypatch.setattr(models.ranking.training, "ROWS_AT_ONCE", rows_at_once)
        assert ndcg_of(scores, labels, groups, n_targets, 10) == pytest.approx(expected)
