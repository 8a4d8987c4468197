"""The live pointer: one file, replaced whole; history says what was live when."""

from __future__ import annotations

import multiprocessing

import pytest

from models.release.store import Release, ReleaseError, ReleaseStore, now


def store_with(tmp_path, *names):
    store = ReleaseStore(tmp_path)
    for number, name in enumerate(names):
        store.write(Release(name, f"hash-{name}", f"2026-01-0{number + 1}T00:00:00+00:00", 0, 0, name))
    return store


def test_nothing_is_live_at_first(tmp_path):
    store = ReleaseStore(tmp_path)
    assert (store.live(), store.previous(), list(store.history()), list(store.list())) == (None, None, [], [])


def test_a_swap_ends_the_span_before(tmp_path):
    store = store_with(tmp_path, "a", "b")
    store.swap("a", who="me", why="first")
    between = now()
    store.swap("b", who="me", why="second")
    first, second = store.history()
    assert (first.release, second.release, second.live_to) == ("a", "b", None)
    assert first.live_from < between < first.live_to == second.live_from
    assert (store.live(), store.previous()) == ("b", "a")
    assert (store.at(between), store.at(now()), store.at("2020-01-01T00:00:00+00:00")) == ("a", "b", None)


def test_swapping_to_what_is_live_adds_nothing(tmp_path):
    store = store_with(tmp_path, "a")
    store.swap("a", who="me", why="first")
    store.swap("a", who="me", why="again")
    assert len(store.history()) == 1


def test_an_unknown_release_is_refused_with_those_that_exist(tmp_path):
    store = store_with(tmp_path, "a")
    with pytest.raises(ReleaseError, match=r"no release 'x' .*there are \['a'\]"):
        store.swap("x", who="me", why="")
    with pytest.raises(ReleaseError):
        store.read("../a")


def test_an_instant_without_a_zone_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match="ISO-8601 with a zone"):
        ReleaseStore(tmp_path).at("2026-01-01T00:00:00")


def test_pins_are_kept_through_swaps(tmp_path):
    store = store_with(tmp_path, "a", "b")
    store.pin("a", pinned=True)
    store.swap("b", who="me", why="")
    assert list(store.pinned()) == ["a"]
    store.pin("a", pinned=False)
    assert list(store.pinned()) == []


def _swap_often(home, name):
    for _ in range(20):
        ReleaseStore(home).swap(name, who=name, why="")


def test_writers_at_the_same_time_lose_no_span(tmp_path):
    store = store_with(tmp_path, "a", "b")
    writers = [multiprocessing.Process(target=_swap_often, args=(tmp_path, name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    spans = store.history()
    assert all(
        one.live_to == two.live_from and one.release != two.release for one, two in zip(spans, spans[1:], strict=False)
    )
    assert spans[-1].live_to is None
