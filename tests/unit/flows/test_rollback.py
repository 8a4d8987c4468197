"""Rollback: one replacement of the pointer, in under a second, with nothing heavy imported."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

import flows.releasing.rollback
from features.errors import RefusedError, UserError
from features.online.backends import place
from features.settings import Settings
from flows.releasing.followers import require_followed
from flows.releasing.rollback import rollback
from models.release.bundle import BundleError, seal
from models.release.running import Registration
from models.release.store import Release, ReleaseError, ReleaseStore


def store_with(home, *names):
    """Releases with a sealed bundle each, put live one after the other."""
    store = ReleaseStore(home)
    for number, name in enumerate(names):
        folder = store.bundle(name)
        folder.mkdir(parents=True)
        (folder / "weights.txt").write_text(name)
        manifest = seal(folder, features=["a"], data_hash="d", params_hash="p", code_version="c")
        store.write(
            Release(
                release=name,
                bundle_hash=manifest.hash,
                created_at=f"2026-01-0{number + 1}T00:00:00+00:00",
                data_until=0,
                events_through=0,
                namespace=name,
            )
        )
        online = place("sqlite", home / "online", name)
        online.write_notes({"events_through": 0})
        online.prepare()
        store.swap(name, who="test", why=f"put {name} live")
    return store


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def test_the_release_before_comes_back_and_the_history_says_who_and_why(settings):
    store = store_with(settings.home, "a", "b")
    done = rollback(settings, who="anna", why="clicks fell")
    assert (done.release.release, done.changed, store.live()) == ("a", True, "a")
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
    done = rollback(settings, "b", who="t")
    assert (done.release.release, done.changed) == ("b", False)
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


@pytest.mark.parametrize("lost", ["a.json", "a.db"])
def test_a_release_whose_online_namespace_is_lost_is_not_put_live(settings, lost):
    store = store_with(settings.home, "a", "b")
    (settings.home / "online" / lost).unlink()
    with pytest.raises(ReleaseError, match="online namespace a is not in the online store"):
        rollback(settings, who="t")
    assert store.live() == "b"


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_names_no_release(settings, blank):
    store = store_with(settings.home, "a", "b")
    with pytest.raises(UserError, match="names no release"):
        rollback(settings, blank, who="t")
    assert store.live() == "b"


def test_a_change_that_came_first_is_not_undone(settings, monkeypatch):
    store = store_with(settings.home, "a", "b", "c")
    check = flows.releasing.rollback._check_bundle

    def overtaken(*arguments):
        check(*arguments)
        store.swap("a", who="somebody else", why="quicker")

    monkeypatch.setattr(flows.releasing.rollback, "_check_bundle", overtaken)
    done = rollback(settings, who="t")  # c is live: b would come back
    assert (done.release.release, done.changed, store.live()) == ("a", False, "a")


def test_it_takes_less_than_a_second_and_imports_nothing_heavy(settings):
    store_with(settings.home, "a", "b")
    program = (
        "import sys; from pathlib import Path\n"
        "from features.settings import Settings; from flows.releasing.rollback import rollback\n"
        f"print(rollback(Settings(home=Path({str(settings.home)!r})), who='t').release.release)\n"
        "print(sorted({'prefect', 'bentoml', 'feast', 'dvc', 'torch', 'lightgbm', 'polars'} & set(sys.modules)))"
    )
    for expected in ("a", "b", "a"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert said.split("\n")[:2] == [expected, "[]"]
        # CPU seconds: a busy machine must not make this fail
        assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1.0


def test_a_rollback_is_done_when_every_running_service_has_loaded_it(settings):
    store_with(settings.home, "a", "b")
    assert require_followed(settings.home, "a") == "no service runs"
    service = Registration(settings.home, address="http://127.0.0.1:3000")
    service.start()
    try:
        service.update(release="a")
        assert require_followed(settings.home, "a") == "loaded by 1 running service process"
        with pytest.raises(RefusedError, match=r"at http://127\.0\.0\.1:3000 has not loaded it yet"):
            require_followed(settings.home, "b", in_place_s=0)
        service.update(refused={"b": "its bundle is altered"})
        with pytest.raises(RefusedError, match=r"at http://127\.0\.0\.1:3000 refused it: its bundle is altered"):
            require_followed(settings.home, "b")
    finally:
        service.remove()
