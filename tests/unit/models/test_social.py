"""Social: friends' choices by hand, and how relations reach a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from features.schema import RELATIONS
from models.data.queries import one_query
from models.data.tables import read_friends
from models.data.types import Log, Slate
from models.explain import reasons
from models.retrievers.popular import Popular
from models.retrievers.social import Social, SocialParams
from tests.support.part_inputs import DAY, make_catalogue, make_log

# user 0 chose 0, 1; user 1 chose 1, 2; user 2 chose 3 (half trusted)
LOG = make_log([(0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 2, 1), (2, 3, 1)], [1, 1, 1, 1, 0.5])
CATALOGUE = make_catalogue(5)


def with_friends(*pairs: tuple[str, str], log: Log = LOG) -> Log:
    return replace(log, friends=np.array(pairs))


def ask(social: Social, user: str, history: list[int], k: int = 4):
    query = one_query(user, 9 * DAY, [f"i{item}" for item in history], [DAY] * len(history), CATALOGUE.vocabulary)
    hits = social.retrieve(query, k)
    return hits.items[0].tolist(), hits.scores[0].tolist()


def test_friends_count_by_how_alike_their_histories_are():
    log = with_friends(("u0", "u1"), ("u0", "u2"))
    social = Social(SocialParams(similarity_weight=4, half_life_days=None)).fit(log, CATALOGUE)
    # cosine of {0, 1} and {1, 2} is 1/2: u1 counts 1 + 4/2; u2 has nothing in common: 1 · trust 1/2
    assert ask(social, "u0", [0, 1]) == ([2, 3, -1, -1], pytest.approx([3.0, 0.5, 0, 0]))


def test_a_newcomer_without_a_history_and_without_a_row_is_served_by_friends():
    social = Social(SocialParams(similarity_weight=4)).fit(with_friends(("new", "u1"), ("new", "u0")), CATALOGUE)
    assert ask(social, "new", []) == ([1, 0, 2, -1], pytest.approx([2.0, 1.0, 1.0, 0]))


def test_friendship_is_taken_as_told_and_strangers_get_nothing():
    social = Social().fit(with_friends(("u0", "u1")), CATALOGUE)
    assert ask(social, "u1", [])[0] == [-1] * 4
    assert ask(social, "stranger", [0])[0] == [-1] * 4


def test_pairs_that_tell_nothing_are_left_out_and_repeated_ones_count_once():
    log = with_friends(("u0", "nobody"), ("u0", "u1"), ("u0", "u1"))
    assert ask(Social(SocialParams(similarity_weight=0)).fit(log, CATALOGUE), "u0", [])[1][:2] == [1.0, 1.0]
    distrusted = replace(log, weights=np.where(log.users == 1, 0, log.weights).astype(np.float32))
    assert ask(Social().fit(distrusted, CATALOGUE), "u0", [])[0] == [-1] * 4


def test_so_many_friends_and_items_of_each_are_kept():
    log = with_friends(("u0", "u2"), ("u0", "u1"))
    assert ask(Social(SocialParams(max_friends=1)).fit(log, CATALOGUE), "u0", [])[0] == [1, 2, -1, -1]
    assert ask(Social(SocialParams(max_items_per_user=1)).fit(log, CATALOGUE), "u0", [])[0] == [1, 3, -1, -1]


def test_without_relations_it_steps_aside_with_a_word(caplog):
    assert ask(Social().fit(LOG, CATALOGUE), "u0", [0])[0] == [-1] * 4
    assert "n_pairs=0" in caplog.text


def test_its_reason_names_nobody():
    query = one_query("u0", 9 * DAY, [], [], CATALOGUE.vocabulary)
    shares = np.array([[[0.010, 0.016]]], dtype=np.float32)
    slate = Slate(
        items=np.array([[2]], dtype=np.int32),
        scores=np.ones((1, 1), dtype=np.float32),
        sources=shares,
        retrievers=("popular", "social"),
    )
    assert reasons({"popular": Popular(), "social": Social()}, CATALOGUE, query, slate) == [
        ["Chosen by people you know"]
    ]


def test_names_of_any_script_survive_the_bundle(tmp_path):
    social = Social().fit(with_friends(("Жанна \u2028", "u1")), CATALOGUE)
    social.save(tmp_path)
    assert ask(Social.load(tmp_path), "Жанна \u2028", []) == ask(social, "Жанна \u2028", [])
    assert ask(social, "Жанна \u2028", [])[0] == [1, 2, -1, -1]


def test_relations_are_read_once_each_ascending_without_oneself(tmp_path):
    rows = pl.DataFrame({"user_id": ["b", "a", "a", "c"], "friend_id": ["a", "b", "b", "c"]})
    RELATIONS.write(rows, tmp_path / "relations.parquet")
    assert read_friends(tmp_path / "relations.parquet").tolist() == [["a", "b"], ["b", "a"]]
    RELATIONS.write(RELATIONS.empty(), tmp_path / "relations.parquet")
    assert read_friends(tmp_path / "relations.parquet") is None
    assert read_friends(tmp_path / "none.parquet") is None
