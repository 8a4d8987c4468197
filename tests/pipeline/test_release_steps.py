"""The steps of a release on a hand-made bundle: what is refused, what is recorded, what a crash leaves."""

from __future__ import annotations

import json

import pytest

from features.errors import RefusedError, UserError
from features.online.namespace import OnlineNamespace
from features.online.repository.registry import registry_file, registry_section
from features.repo.store import open_store
from features.settings import Settings
from flows.project.dataset import Project
from flows.releasing import steps as releasing
from flows.releasing.cleanup import namespace_of, release_lock, replay_namespace_of
from flows.releasing.gc import gc
from models.release.bundle import BundleError
from models.release.store import Release, ReleaseStore
from models.release.trial import abort_trial, begin_trial
from models.release.trial_figures import folder_of_trial
from tests.support.release_project import START, judge, make_project

TAG = "recops:abc-def"


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    make_project(folder)
    return folder


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


def begin(root, settings, **how):
    manifest = releasing.check(Project(root), settings, force=how.get("force", False), why=how.get("why"))
    assert not isinstance(manifest, Release)
    return releasing.begin(
        Project(root), settings, manifest, who="anna", force=how.get("force", False), why=how.get("why")
    )


def put_live(root, settings, weights, **how):
    """A release of a bundle with other weights, without Bento and replay."""
    make_project(root, weights=weights)
    plan = begin(root, settings, **how)
    releasing.materialize(plan)
    return releasing.swap(plan, f"recops:{weights}-code")


def projects(settings):
    """Feast projects in the registry."""
    store = open_store("recops", registry_section(settings, ""), {"type": "sqlite"})
    return {project.name for project in store.list_projects()}


def refused(root, settings):
    with pytest.raises(RefusedError) as told:
        releasing.check(Project(root), settings, force=False, why=None)
    assert ReleaseStore(settings.home).live() is None
    return str(told.value)


def test_what_the_gate_refused_is_not_released_and_its_reasons_are_told(root, settings):
    make_project(root, promote=False)
    assert refused(root, settings).startswith("refused by the gate: ndcg@10 is worse.")


def test_a_verdict_on_another_bundle_does_not_count(root, settings):
    judge(root, "0" * 64, promote=True)
    assert "judges the bundle 000000000000, expected" in refused(root, settings)


def test_a_bundle_that_was_never_judged_is_refused(root, settings):
    (root / "data/reports/decision.json").unlink()
    assert "never judged" in refused(root, settings)


def test_an_altered_bundle_is_not_released_even_by_force(root, settings):
    (root / "data/bundle/weights.txt").write_text("other")
    with pytest.raises(BundleError, match=r"weights\.txt is missing or altered"):
        releasing.check(Project(root), settings, force=True, why="because")


def test_force_needs_a_reason_and_is_remembered(root, settings):
    make_project(root, promote=False)
    with pytest.raises(UserError, match="needs a reason"):
        releasing.check(Project(root), settings, force=True, why=None)
    plan = begin(root, settings, force=True, why="the gate is too strict")
    done = releasing.swap(plan, TAG)
    (span,) = ReleaseStore(settings.home).history()
    assert (done.source["forced"], span.who, span.why) == (True, "anna", "the gate is too strict")


def test_a_release_is_recorded_whole_and_then_live(root, settings):
    manifest = make_project(root, events_through=7)
    plan = begin(root, settings)
    releasing.materialize(plan)
    done = releasing.swap(plan, TAG)
    store = ReleaseStore(settings.home)
    assert store.live() == done.release
    assert done.release.endswith(f"-{manifest.hash[:8]}")
    assert store.read(done.release) == done
    assert (done.bundle_hash, done.bento_tag, done.events_through) == (manifest.hash, TAG, 7)
    assert done.data_until == int(START.timestamp() + 9 * 3600) * 1_000_000  # the last of ten hourly rows
    assert done.metrics == {"ndcg@10": 0.5}
    assert (done.source["line"], done.source["who"], done.source["forced"]) == ("abc", "anna", False)
    kept = sorted(path.name for path in store.folder(done.release).iterdir())
    assert kept == ["bundle", "items", "profile.json", "release.json", "users.parquet"]
    assert not list(store.root.glob(".*.tmp"))


def test_the_namespace_holds_every_user_as_of_the_last_row(root, settings):
    make_project(root, events_through=7)
    plan = begin(root, settings)
    releasing.materialize(plan)
    online = OnlineNamespace(settings, namespace_of(plan.release))
    first, unknown = online.users(["u0", "nobody"])
    assert first.item_ids == ["i0", "i3", "i2", "i1"]  # rows 0, 3, 6 and 9
    assert (first.last_seq, unknown.item_ids) == (7, [])


def test_what_is_live_already_is_said_and_nothing_is_done(root, settings):
    plan = begin(root, settings)
    done = releasing.swap(plan, TAG)
    assert releasing.check(Project(root), settings, force=False, why=None) == done


def crash_after_begin(plan):
    assert plan.scratch.is_dir()


def crash_in_materialize(plan):
    OnlineNamespace(plan.settings, namespace_of(plan.release)).create()


def crash_in_replay(plan):
    releasing.materialize(plan)
    (plan.scratch / "replay").mkdir()
    OnlineNamespace(plan.settings, replay_namespace_of(plan.release)).create()


def crash_before_the_pointer(plan):
    releasing.materialize(plan)
    (plan.scratch / "release.json").write_text(json.dumps(releasing.release_json(releasing.description(plan, TAG))))
    plan.scratch.rename(plan.store.folder(plan.release))


@pytest.mark.parametrize("crash", [crash_after_begin, crash_in_materialize, crash_in_replay, crash_before_the_pointer])
def test_after_a_crash_the_old_release_is_live_and_the_next_one_removes_the_rest(root, settings, crash):
    old = put_live(root, settings, "old")
    make_project(root, weights="new")
    plan = begin(root, settings)
    crash(plan)
    store = ReleaseStore(settings.home)
    assert store.live() == old.release
    done = put_live(root, settings, "newer")
    assert store.live() == done.release
    assert [kept.release for kept in store.list()] == [old.release, done.release]
    assert not [path for path in store.root.iterdir() if path.name.endswith((".tmp", ".gone"))]
    online = {path.name.partition(".")[0] for path in (settings.home / "online").iterdir()}
    assert online - {"feast_registry", "feature_store"} == {namespace_of(old.release), namespace_of(done.release)}
    assert projects(settings) == {"recops", namespace_of(old.release), namespace_of(done.release)}


def test_only_one_release_is_made_at_a_time(settings):
    with (
        release_lock(settings),
        pytest.raises(UserError, match="another release or gc is under way"),
        release_lock(settings),
    ):
        pass
    with release_lock(settings):
        pass


def bento_folder(settings, tag):
    folder = settings.home / "bentoml" / "bentos" / "recops" / tag.partition(":")[2]
    folder.mkdir(parents=True)
    (folder / "bento.yaml").write_text("x")
    (folder.parent / "latest").write_text(folder.name)
    return folder


def files(settings):
    """All files of the home; those that SQLite makes and removes as it likes left out."""
    found = (path for path in settings.home.rglob("*") if path.is_file())
    return sorted(path for path in found if not path.name.endswith(("-shm", "-wal")))


def test_gc_keeps_live_previous_and_pinned_with_all_that_belongs_to_them(root, settings):
    done = [put_live(root, settings, weights) for weights in ("a", "b", "c", "d")]
    bentos = {release.release: bento_folder(settings, release.bento_tag) for release in done}
    store = ReleaseStore(settings.home)
    store.pin(done[0].release, pinned=True)
    before = files(settings)
    planned = gc(settings, dry_run=True)
    assert files(settings) == before
    assert gc(settings) == planned
    assert [line.partition(" (")[0] for line in planned] == [f"release {done[1].release}", "Bento recops:b-code"]
    assert [release.release for release in store.list()] == [done[n].release for n in (0, 2, 3)]
    assert [bentos[release.release].is_dir() for release in done] == [True, False, True, True]
    assert not list((settings.home / "online").glob(f"{namespace_of(done[1].release)}.*"))
    OnlineNamespace(settings, namespace_of(done[2].release)).users(["u0"])
    assert (store.live(), store.previous()) == (done[3].release, done[2].release)
    assert gc(settings) == []


def test_gc_removes_what_an_unfinished_release_left(root, settings):
    plan = begin(root, settings)
    releasing.materialize(plan)
    assert gc(settings) == [f"unfinished release {plan.release}"]
    assert not plan.scratch.exists()
    assert not list((settings.home / "online").glob(f"*{namespace_of(plan.release)}*"))
    assert namespace_of(plan.release).encode() not in registry_file(settings.home).read_bytes()


def test_gc_removes_what_trials_of_removed_releases_left(root, settings):
    done = [put_live(root, settings, weights) for weights in ("a", "b", "c", "d")]
    store = ReleaseStore(settings.home)
    folders = []
    for release in (done[0], done[2]):
        trial = begin_trial(store, release.release, "shadow", who="ada", why="new")
        folders.append(folder_of_trial(settings.home, trial))
        folders[-1].mkdir(parents=True)
        abort_trial(store, who="ada", reason="seen enough")
    assert [line for line in gc(settings) if line.startswith("trial")] == [f"trial {folders[0].name} (0.0 MB)"]
    assert [folder.is_dir() for folder in folders] == [False, True]


def test_gc_waits_for_nobody(root, settings):
    put_live(root, settings, "a")
    with release_lock(settings), pytest.raises(UserError, match="under way"):
        gc(settings)


def test_on_redis_the_keys_of_a_removed_release_are_gone_and_those_of_others_stay(root, tmp_path, redis_url):
    import redis

    settings = Settings(home=tmp_path / "home", online_store=redis_url)
    done = [put_live(root, settings, weights) for weights in ("a", "b", "c")]
    try:
        gc(settings)
        client = redis.Redis.from_url(redis_url)
        counts = [len(list(client.scan_iter(f"*{namespace_of(release.release)}*", count=5000))) for release in done]
        assert counts[0] == 0
        assert min(counts[1:]) > 0
    finally:
        for release in done:
            OnlineNamespace(settings, namespace_of(release.release)).drop()
