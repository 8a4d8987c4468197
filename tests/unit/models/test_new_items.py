"""Items that join a bundle: parts that can add them do, others step aside and answer as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.data.types import Catalogue, Log
from models.data.vocabulary import Vocabulary
from models.interfaces import AddsItems, Explains
from models.language.centering import center_of, units
from models.new_items.released_part import ReleasedPart
from models.online.explaining.explainer import _falls_of
from models.online.explaining.falls import batch_falls
from models.online.explaining.profiles_without import ProfilesWithout
from models.online.retrieval import Profiles, Scratch, prepared
from models.registry import load_retriever, part_names
from models.retrievers.cold_items import ColdItems, ColdItemsParams
from models.retrievers.text import Text
from models.single_query.one_query import OneQuery
from tests.support.part_inputs import DAY, ask, make_catalogue, make_log

N_USERS, N_ITEMS, N_NEW = 40, 60, 3
FAST = {"sequence": {"epochs": 1, "embedding_size": 16}, "bpr": {"epochs": 3}}


def unit_rows(n_rows: int, seed: int, size: int = 8) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n_rows, size))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return make_catalogue(N_ITEMS, tags=[["a"] for _ in range(N_ITEMS)], vectors=unit_rows(N_ITEMS, 3))


@pytest.fixture(scope="module")
def log() -> Log:
    rng = np.random.default_rng(1)
    rows = sorted(
        {
            (int(user), int(item), int(day))
            for user, item, day in zip(
                rng.integers(0, N_USERS, 600), rng.integers(0, N_ITEMS - 10, 600), rng.integers(0, 99, 600), strict=True
            )
        },
        key=lambda row: row[2],
    )
    return replace(make_log(rows), friends=np.array([["x", "u1"], ["x", "u2"]]))


def longer(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, vocabulary=Vocabulary([f"i{place}" for place in range(N_ITEMS + N_NEW)]))


@pytest.mark.parametrize("name", part_names("retriever"))
def test_a_part_that_cannot_add_items_answers_as_if_they_were_not_there(name, catalogue, log):
    kind = load_retriever(name)
    part = kind(kind.Params(**FAST.get(name, {}))).fit(log, catalogue)
    if isinstance(part, AddsItems):
        return
    grown, words = ReleasedPart(part, N_ITEMS), longer(catalogue)
    blocked = np.zeros(N_ITEMS + N_NEW, dtype=np.bool_)
    blocked[[1, 2, N_ITEMS]] = True
    for history in ([3, 7, N_ITEMS + 1, 11], [3, 7, 11], [N_ITEMS], []):
        kept = [item for item in history if item < N_ITEMS]
        assert ask(grown, words, history, k=9, days=history)[0] == ask(part, catalogue, kept, k=9, days=kept)[0]
        one = OneQuery.of_events("x", 100 * DAY, *arrays(history), blocked)
        alone = OneQuery.of_events("x", 100 * DAY, *arrays(kept), blocked[:N_ITEMS])
        ours = prepared(grown)(Profiles(one), 9, Scratch())
        theirs = prepared(part)(Profiles(alone), 9, Scratch())
        assert ours.items.tolist() == theirs.items.tolist()
        assert np.array_equal(ours.scores, theirs.scores)
    if isinstance(part, Explains):
        falls = _falls_of(part, None) if name != "sequence" else (batch_falls(part), 8)
        newer = ReleasedPart(part, N_ITEMS, None, falls).released_falls[0]
        one, alone = (
            ProfilesWithout(OneQuery.of_events("x", 100 * DAY, *arrays(history), mask))
            for history, mask in (([3, 7, N_ITEMS + 1], blocked), ([3, 7], blocked[:N_ITEMS]))
        )
        left_out, asked = [np.array([place], dtype=np.int32) for place in (3, 7)], np.array([4, 5, 9], dtype=np.int32)
        assert np.array_equal(newer(one, left_out, asked), falls[0](alone, left_out, asked), equal_nan=True)
    assert isinstance(grown, Explains) == isinstance(part, Explains)
    assert getattr(grown, "reason", None) == getattr(part, "reason", None)


def arrays(history: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(history, dtype=np.int32), np.array(history, dtype=np.int64) * DAY


@pytest.mark.parametrize("name", ["text", "cold_items"])
def test_an_added_item_is_offered_by_its_text_and_the_others_as_before(name, catalogue, log):
    kind = load_retriever(name)
    part = kind().fit(log, catalogue)
    vectors = np.concatenate([catalogue.vectors[[7]], np.zeros((1, 8), np.float32), unit_rows(1, 9)])
    grown = part.add_items(vectors)
    assert isinstance(part, AddsItems)
    assert ask(part, catalogue, [7], k=60)[0] == ask(kind().fit(log, catalogue), catalogue, [7], k=60)[0]
    items, scores = ask(grown, longer(catalogue), [7], k=60)
    assert N_ITEMS in items and N_ITEMS + 1 not in items  # the second has no text
    if name == "text":
        assert items[0] == N_ITEMS and scores[0] == pytest.approx(1.0, abs=1e-6)
        assert [item for item in items if 0 <= item < N_ITEMS] == [
            item for item in ask(part, catalogue, [7], k=60)[0] if item >= 0
        ][: sum(0 <= item < N_ITEMS for item in items)]


def test_text_that_knows_the_new_items_is_text_that_was_fitted_on_them(catalogue, log):
    vectors = unit_rows(N_NEW, 11)
    whole = replace(longer(catalogue), vectors=np.concatenate([catalogue.vectors, vectors]))
    fitted = Text().fit(log, whole)
    assert np.array_equal(fitted.vectors_, Text().fit(log, catalogue).add_items(vectors).vectors_)


def test_a_new_cold_item_has_the_column_of_one_that_was_there(catalogue, log, tmp_path):
    params = ColdItemsParams(max_users=3)
    whole = replace(catalogue, further={"words": unit_rows(N_ITEMS, 5)})
    without = replace(whole, vectors=whole.vectors.copy(), further={"words": whole.further["words"].copy()})
    for rows in without.encoded.values():
        rows[N_ITEMS - 1] = 0  # nobody chose it: with a text it is cold, without one it is nothing
    known, part = ColdItems(params).fit(log, whole), ColdItems(params).fit(log, without)
    part.save(tmp_path)
    further = {"words": whole.further["words"][[N_ITEMS - 1]]}
    for fitted in (part, ColdItems.load(tmp_path)):
        added = fitted.add_items(whole.vectors[[N_ITEMS - 1]], further)
        column, theirs = added.weights_[:, -1], known.weights_[:, known.cold_.tolist().index(N_ITEMS - 1)]
        assert np.corrcoef(column, theirs)[0, 1] > 0.9999  # scales are those of other cold items


def test_vectors_of_another_length_are_no_vectors(catalogue, log):
    grown = Text().fit(log, catalogue).add_items(unit_rows(2, 3, size=5))
    assert grown.vectors_.shape == (N_ITEMS + 2, 8) and not grown.vectors_[N_ITEMS:].any()


def test_the_center_of_a_catalogue_is_recovered_from_a_few_of_its_vectors():
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(300, 16)) + rng.normal(size=16) * 3
    center = raw.mean(axis=0)
    catalogue_vectors = units(raw - center).astype(np.float32)
    recovered = center_of(raw[:24].astype(np.float32), catalogue_vectors[:24])
    assert np.allclose(recovered, center, atol=1e-4)
    with pytest.raises(ValueError, match="is not the one that made"):
        center_of(rng.normal(size=(24, 16)).astype(np.float32), catalogue_vectors[:24])
    with pytest.raises(ValueError, match="16"):
        center_of(raw[:24, :8].astype(np.float32), catalogue_vectors[:24])
