"""What every ranker and every reranker of the tables of names promises."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.types import Catalogue, NotFittedError
from models.data.vocabulary import Vocabulary
from models.interfaces import Ranker, Reranker
from models.ranking.rows import RowFile
from models.registry import load_ranker, load_reranker, part_names

NAMES = ("inverse_rank:a", "inverse_rank:b", "score:a", "score:b", "n_retrievers", "age", "idle_days")
rankers = pytest.mark.parametrize("name", part_names("ranker"))
rerankers = pytest.mark.parametrize("name", part_names("reranker"))


def examples(seed: int = 3, n_queries: int = 60, size: int = 20):
    """Candidates in a random order of merit; what `age` says decides what is chosen."""
    rng = np.random.default_rng(seed)
    rows = n_queries * size
    ranks = np.concatenate(
        [rng.permuted(np.tile(np.arange(1, size + 1), (n_queries, 1)), axis=1).reshape(-1, 1)] * 2, 1
    )
    ranks[:, 1] = rng.permuted(np.tile(np.arange(1, size + 1), (n_queries, 1)), axis=1).ravel()
    features = np.zeros((rows, len(NAMES)), dtype=np.float32)
    features[:, :2] = 1.0 / ranks
    features[:, 2:4] = -ranks
    features[rng.random(rows) < 0.2, 2] = np.nan
    features[:, 4] = 2
    features[:, 5] = rng.random(rows)
    features[:, 6] = np.repeat(rng.choice([0.01, 9.0], n_queries), size)
    labels = (features[:, 5] > 0.8).astype(np.float32)
    return features, labels, np.full(n_queries, size, dtype=np.int32)


def fitted(name: str, seed: int = 3) -> Ranker:
    return load_ranker(name)().fit(*examples(seed), NAMES)


@rankers
def test_unfitted_says_so(name, tmp_path):
    with pytest.raises(NotFittedError, match=name):
        load_ranker(name)().score(examples()[0])
    with pytest.raises(NotFittedError, match=name):
        load_ranker(name)().save(tmp_path)


@rankers
def test_learns_the_same_from_rows_on_disk(name, tmp_path):
    features, labels, groups = examples()
    file = RowFile(tmp_path / "rows", len(NAMES))
    for start in range(0, len(features), 500):
        file.append(features[start : start + 500])
    load_ranker(name)().fit(file.rows(), labels, groups, NAMES).save(tmp_path / "stored")
    fitted(name).save(tmp_path / "array")
    saved = {path.relative_to(tmp_path / "array"): path.read_bytes() for path in (tmp_path / "array").rglob("*.*")}
    assert saved
    for path, content in saved.items():
        assert (tmp_path / "stored" / path).read_bytes() == content


@rankers
def test_scores_every_row_finitely(name):
    ranker = fitted(name)
    scores = ranker.score(examples(4)[0])
    assert isinstance(ranker, Ranker)
    assert scores.shape == (1200,)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert ranker.score(examples()[0][:0]).shape == (0,)


@rankers
def test_save_and_load_score_alike_to_the_byte(name, tmp_path):
    ranker, features = fitted(name), examples(4)[0]
    ranker.save(tmp_path / "one")
    loaded = load_ranker(name).load(tmp_path / "one")
    assert loaded.score(features).tobytes() == ranker.score(features).tobytes()
    fitted(name).save(tmp_path / "two")
    for path in sorted(path for path in (tmp_path / "one").rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


@rankers
def test_a_row_scores_the_same_alone(name):
    ranker, features = fitted(name), examples(4)[0]
    whole = ranker.score(features)
    alone = np.concatenate([ranker.score(features[row : row + 1]) for row in range(200)])
    assert alone.tobytes() == whole[:200].tobytes()


@rankers
def test_second_fit_forgets_the_first(name):
    features = examples(4)[0]
    again = fitted(name, 9).fit(*examples(3), NAMES)
    assert again.score(features).tobytes() == fitted(name, 3).score(features).tobytes()


@rankers
def test_examples_that_tell_nothing_are_no_error(name):
    features, labels, groups = examples()
    for same in (0.0, 1.0):
        ranker = load_ranker(name)().fit(features, np.full_like(labels, same), groups, NAMES)
        assert np.isfinite(ranker.score(features)).all()
    ranker = load_ranker(name)().fit(features[:0], labels[:0], groups[:0], NAMES)
    assert np.isfinite(ranker.score(features)).all()


def catalogue(vectors: bool) -> Catalogue:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(30, 4)).astype(np.float32)
    return Catalogue(
        vocabulary=Vocabulary([str(place) for place in range(30)]),
        titles=[None] * 30,
        tags=[["x"] if place % 3 else ["x", "y"] for place in range(30)],
        category_names=["c"],
        categories=np.array([place % 2 - 1 for place in range(30)], dtype=np.int32),
        prices=np.full(30, np.nan, dtype=np.float32),
        created_at=np.zeros(30, dtype=np.int64),
        vectors=rows / np.linalg.norm(rows, axis=1, keepdims=True) if vectors else None,
    )


@rerankers
@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize(("n", "k"), [(0, 5), (1, 5), (3, 5), (30, 1), (30, 10), (30, 30)])
def test_orders_at_most_k_each_once(name, vectors, n, k):
    reranker = load_reranker(name)()
    items = np.random.default_rng(2).permutation(30)[:n].astype(np.int32)
    scores = np.sort(np.random.default_rng(2).random(n).astype(np.float32))[::-1]
    order = reranker.order(items, scores, catalogue(vectors), k)
    assert isinstance(reranker, Reranker)
    assert len(order) == min(n, k)
    assert len(set(order.tolist())) == len(order)
    assert all(0 <= place < n for place in order)
    assert np.array_equal(order, reranker.order(items, scores, catalogue(vectors), k))


@rerankers
def test_equal_scores_are_no_error(name):
    items = np.arange(10, dtype=np.int32)
    assert len(load_reranker(name)().order(items, np.zeros(10, dtype=np.float32), catalogue(True), 5)) == 5
