"""The live pointer: one file, replaced whole; history says what was live when."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys

import pytest

from models.release.code import RunningCode
from models.release.store import Release, ReleaseError, ReleaseStore, now


def store_with(tmp_path, *names):
    store = ReleaseStore(tmp_path)
    for number, name in enumerate(names):
        store.write(
            Release(
                release=name,
                bundle_hash=f"hash-{name}",
                created_at=f"2026-01-0{number + 1}T00:00:00+00:00",
                data_until=0,
                events_through=0,
                namespace=name,
            )
        )
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


def test_a_release_that_cannot_be_read_is_passed_over_and_named(tmp_path):
    store = store_with(tmp_path, "a", "b")
    (store.folder("a") / "release.json").write_text('{"release": ')
    assert [release.release for release in store.list()] == ["b"]
    assert list(store.unreadable()) == ["a"]
    with pytest.raises(ReleaseError, match=r"a/release\.json: no readable release"):
        store.read("a")


def test_what_a_later_version_says_of_a_release_is_left_out(tmp_path):
    store = store_with(tmp_path, "a")
    path = store.folder("a") / "release.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"later": 1}))
    assert store.read("a").bundle_hash == "hash-a"


@pytest.mark.parametrize("text", ["", "[]", '{"history": []}', '{"history": 3, "pinned": []}'])
def test_a_broken_pointer_is_named(tmp_path, text):
    store = store_with(tmp_path, "a")
    store.pointer.write_text(text)
    with pytest.raises(ReleaseError, match=r"live\.json: not readable"):
        store.live()


def test_code_serves_the_newest_release_of_the_history_that_it_can_load(tmp_path):
    store = ReleaseStore(tmp_path)
    for name, tag in (("a", "recops:1-c1"), ("b", "recops:2-c1"), ("c", "recops:3-c2"), ("d", None)):
        store.write(
            Release(
                release=name,
                bundle_hash=name,
                created_at="2026-01-01T00:00:00+00:00",
                data_until=0,
                events_through=0,
                namespace=name,
                bento_tag=tag,
            )
        )
    first = RunningCode("v", "bento", "recops:9-c1")
    second = RunningCode("v", "bento", "recops:9-c2")
    tree = RunningCode("v", "working tree", None)
    served = []
    for name in "abcd":
        store.swap(name, who="me", why="")
        served.append([store.live_for(code) for code in (first, second, tree)])
    assert served == [["a", None, "a"], ["b", None, "b"], ["b", "c", "c"], ["d", "d", "d"]]
    (store.folder("d") / "release.json").write_text("")
    assert store.live_for(first) == "d"  # the live one: whoever loads it says what is wrong with it


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


def made(name: str) -> Release:
    """A release of which only the name matters."""
    return Release(
        release=name,
        bundle_hash="h",
        created_at="2026-01-01T00:00:00+00:00",
        data_until=0,
        events_through=0,
        namespace=name,
    )


def test_a_swap_that_expects_another_release_changes_nothing(tmp_path):
    store = ReleaseStore(tmp_path)
    for name in ("a", "b", "c"):
        store.write(made(name))
    assert store.swap("a", who="t", why="")
    assert store.swap("b", who="t", why="", expected="a")
    before = store.pointer.read_bytes()
    assert not store.swap("c", who="t", why="", expected="a")
    assert not store.swap("b", who="t", why="", expected="b")
    assert store.pointer.read_bytes() == before


def test_of_many_processes_that_expect_the_same_release_one_changes_it(tmp_path):
    store = ReleaseStore(tmp_path)
    for name in ("a", "b"):
        store.write(made(name))
        store.swap(name, who="t", why="")
    program = (
        "import sys; from pathlib import Path; from models.release.store import ReleaseStore\n"
        "store = ReleaseStore(Path(sys.argv[1])); sys.stdin.readline()\n"
        "print(store.swap('a', who='t', why='', expected='b'))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(6)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert sorted(answers) == ["False"] * 5 + ["True"]
    assert [span.release for span in store.history()] == ["a", "b", "a"]
