"""The queue of texts: each once, bounded, with the vector or why there is none."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from features.catalogue_changes.text_store import TextStore, key_of
from features.events.connecting import open_database


@pytest.fixture
def store(tmp_path):
    with closing(open_database(f"sqlite:///{tmp_path / 'events.db'}")) as database:
        yield TextStore(database, most_waiting=3)


def test_a_text_waits_once_until_it_has_its_vector(store):
    assert store.want({"a": "A", "b": "B"}) == 0
    assert store.want({"a": "A"}) == 0
    assert store.waiting() == [("a", "A"), ("b", "B")]
    store.put({"a": np.array([1.5, -2.0], dtype=np.float32)})
    store.refuse(["b"], "too odd")
    assert store.waiting() == []
    assert {key: vector.tolist() for key, vector in store.vectors(["a", "b"]).items()} == {"a": [1.5, -2.0]}
    assert store.faults(["a", "b"]) == {"b": "too odd"}


def test_the_queue_is_bounded_and_has_room_again(store):
    assert store.want({key: key for key in "abcde"}) == 2
    store.put({"a": np.zeros(1, dtype=np.float32)})
    assert store.want({key: key for key in "abcde"}) == 1


def test_another_encoder_is_another_key():
    assert key_of("", "a text") != key_of("other", "a text")
