"""Rollback: one replacement of the pointer, in under a second, with nothing heavy imported."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from features.settings import Settings
from flows.releasing.rollback import rollback
from models.release.bundle import BundleError, seal
from models.release.store import Release, ReleaseError, ReleaseStore


def store_with(home, *names):
    """Releases with a sealed bundle each, put live one after the other."""
    store = ReleaseStore(home)
    for number, name in enumerate(names):
        folder = store.bundle(name)
        folder.mkdir(parents=True)
        (folder / "weights.txt").write_text(name)
        manifest = seal(folder, features=["a"], data_hash="d", params_hash="p", code_version="c")
        store.write(Release(name, manifest.hash, f"2026-01-0{number + 1}T00:00:00+00:00", 0, 0, name))
        store.swap(name, who="test", why=f"put {name} live")
    return store


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def test_the_release_before_comes_back_and_the_history_says_who_and_why(settings):
    store = store_with(settings.home, "a", "b")
    done = rollback(settings, who="anna", why="clicks fell")
    assert (done.release, store.live()) == ("a", "a")
    assert [(span.release, span.who, span.why) for span in store.history()][-1] == ("a", "anna", "clicks fell")


def test_two_rollbacks_go_forth_and_back(settings):
    store = store_with(settings.home, "a", "b")
    rollback(settings, who="t")
    rollback(settings, who="t")
    assert store.live() == "b"


def test_a_named_release_comes_back(settings):
    store = store_with(settings.home, "a", "b", "c")
    rollback(settings, "a", who="t")
    assert store.live() == "a"


def test_rolling_back_to_what_is_live_changes_nothing(settings):
    store = store_with(settings.home, "a", "b")
    before = store.pointer.read_bytes()
    assert rollback(settings, "b", who="t").release == "b"
    assert store.pointer.read_bytes() == before


def test_with_nothing_before_it_says_what_there_is(settings):
    with pytest.raises(ReleaseError, match="nothing was released yet"):
        rollback(settings, who="t")
    store_with(settings.home, "a")
    with pytest.raises(ReleaseError, match=r"no release before a; name one of \['a'\]"):
        rollback(settings, who="t")
    with pytest.raises(ReleaseError, match="no release 'x'"):
        rollback(settings, "x", who="t")


def test_a_release_that_lost_a_file_is_not_put_live(settings):
    store = store_with(settings.home, "a", "b")
    (store.bundle("a") / "weights.txt").unlink()
    with pytest.raises(BundleError, match=r"no file weights\.txt"):
        rollback(settings, who="t")
    assert store.live() == "b"


def test_it_takes_less_than_a_second_and_imports_nothing_heavy(settings):
    store_with(settings.home, "a", "b")
    program = (
        "import sys; from pathlib import Path\n"
        "from features.settings import Settings; from flows.releasing.rollback import rollback\n"
        f"print(rollback(Settings(home=Path({str(settings.home)!r})), who='t').release)\n"
        "print(sorted({'prefect', 'bentoml', 'feast', 'dvc', 'torch', 'lightgbm', 'polars'} & set(sys.modules)))"
    )
    for expected in ("a", "b", "a"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert said.split("\n")[:2] == [expected, "[]"]
        # CPU seconds: a busy machine must not make this fail
        assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1.0
