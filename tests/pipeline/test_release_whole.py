"""A release on a whole project: Bento, replay over HTTP, swap; then kill -9 within its steps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from features.errors import RefusedError, UserError
from features.settings import Settings
from flows.project.dataset import Project
from flows.project.reference import refresh_reference
from flows.releasing import steps as releasing
from flows.releasing.bento import folder_of
from flows.releasing.cleanup import drop_namespace, namespace_of
from flows.releasing.questions import questions
from models.release.bundle import Manifest, read_manifest, seal, unseal
from models.release.store import ReleaseStore
from tests.support.workspace import bundle_hash, edit_params, environment, recops, run

# Where a step is killed: the function that does it, after the real one has run or in place of it.
KILL = {
    "refit": ("flows.releasing.refit", "list_overlap"),  # the other bundle is sealed, not yet compared
    "materialize": ("features.online.snapshot", "write_snapshot"),  # the namespace is filled, the folder is not
    "build_bento": ("flows.releasing.bento", "_build"),
    "replay": ("flows.releasing.replay", "compare"),  # the server is up
    "swap": ("models.release.store.ReleaseStore", "swap"),  # recorded, not yet live
}
DRIVER = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from features.settings import Settings
from flows.project.dataset import Project
from flows.releasing import steps as releasing
from flows.releasing.cleanup import release_lock

where, name = sys.argv[1:]
place = import_module(where) if not where.endswith("Store") else import_module("models.release.store").ReleaseStore
real = getattr(place, name)

def killed(*given, **named):
    if name in ("write_snapshot", "swap"):
        # the replay fills a folder and swaps a pointer of its own
        if "replay" in str(given[0] if name == "write_snapshot" else given[0].root):
            return real(*given, **named)
    elif name == "_build":
        real(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, name, killed)
root, settings = Path.cwd(), Settings()
with release_lock(settings):
    manifest = releasing.check(Project(root), settings, force=False, why=None)
    plan = releasing.begin(Project(root), settings, manifest, who="test", force=False, why=None)
    if plan.refit:
        releasing.refit(plan)
    releasing.materialize(plan)
    tag = releasing.build(plan)
    releasing.replay_queries(plan, tag)
    releasing.swap(plan, tag)
"""


def store_of(folder: Path) -> ReleaseStore:
    return ReleaseStore(folder / ".recops")


def another_bundle(folder: Path) -> str:
    """The same recommender sealed with one more file: another bundle, with the same answers."""
    bundle = folder / "data" / "bundle"
    (bundle / "manifest.json").unlink()
    (bundle / "note.txt").write_text("another one")
    manifest = seal(bundle, features=[], data_hash="d", params_hash="p", code_version="c")
    path = folder / "data" / "reports" / "decision.json"
    decision = json.loads(path.read_text()) | {"bundle_hash": manifest.hash, "promote": True}
    path.unlink()
    path.write_text(json.dumps(decision))
    return manifest.hash


def left_processes(folder: Path) -> list[str]:
    """Living processes whose command or folder is inside the project."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode(errors="replace")
            if int(path.name) != os.getpid() and (
                f"{folder}/" in words or str((path / "cwd").resolve()).startswith(f"{folder}/")
            ):
                found.append(words.replace("\0", " "))
        except OSError:
            continue
    return found


def test_the_bundle_is_live_and_nothing_became_stale(released):
    store = store_of(released)
    (release,) = store.list()
    assert store.live() == release.release
    assert release.bundle_hash == bundle_hash(released)
    assert release.metrics["ndcg@10"] > 0
    assert "up to date" in run("-m", "dvc", "status", cwd=released).stdout
    assert "nothing to do" in recops(released, "run").stdout
    assert "nothing to do" in recops(released, "release").stdout
    assert len(store.history()) == 1
    assert left_processes(released) == []


def test_the_bento_holds_bundle_and_serving_code_and_no_more(released_project):
    (release,) = store_of(released_project).list()
    bento = folder_of(Settings(home=released_project / ".recops"), release.bento_tag)
    assert release.bento_tag.startswith(f"recops:{release.bundle_hash[:12]}-")
    inside = {path.name for path in (bento / "src").iterdir()}
    assert {"bundle", "features", "models", "services"} <= inside
    assert not {"flows", "tests", "data", ".recops"} & inside
    assert json.loads((bento / "src/bundle/manifest.json").read_text())["hash"] == release.bundle_hash
    required = (bento / "env/python/requirements.txt").read_text()
    assert "prefect" not in required
    assert "great" not in required


def test_answers_that_differ_from_the_judging_are_refused_with_query_found_and_expected(released, monkeypatch):
    monkeypatch.chdir(released)
    path = released / "data" / "evaluation" / "recommendations.parquet"
    first = questions(path)[0]
    swapped = (pl.col("query_id") == first.query_id) & (pl.col("rank") <= 2)
    frame = pl.read_parquet(path).with_columns(rank=pl.when(swapped).then(3 - pl.col("rank")).otherwise("rank"))
    path.unlink()
    frame.write_parquet(path)
    another_bundle(released)
    settings = Settings(home=released / ".recops")
    manifest = releasing.check(Project(released), settings, force=False, why=None)
    plan = releasing.begin(Project(released), settings, manifest, who="test", force=False, why=None)
    tag = releasing.build(plan)
    with pytest.raises(RefusedError) as told:
        releasing.replay_queries(plan, tag)
    right, wrong = list(first.expected), [first.expected[1], first.expected[0], *first.expected[2:]]
    assert f"query '{first.query_id}': found {right}, expected {wrong}" in str(told.value)
    assert "1 of " in str(told.value)
    assert len(store_of(released).history()) == 1


def begun(folder: Path) -> releasing.Plan:
    settings = Settings(home=folder / ".recops")
    manifest = releasing.check(Project(folder), settings, force=False, why=None)
    assert isinstance(manifest, Manifest)
    return releasing.begin(Project(folder), settings, manifest, who="test", force=False, why=None)


def test_a_refit_is_shipped_and_the_champion_stays_the_judged_bundle(released, monkeypatch):
    monkeypatch.chdir(released)
    edit_params(released, {"release.refit": True})
    plan = begun(released)
    releasing.refit(plan)
    done = releasing.swap(plan, "recops:refit-code")
    store = store_of(released)
    served, judged = unseal(store.bundle(done.release)), unseal(store.judged(done.release))
    assert (served.hash, judged.hash) == (done.bundle_hash, done.judged) == (done.bundle_hash, bundle_hash(released))
    changed = {name.split("/")[0] for name in judged.files if judged.files[name] != served.files[name]}
    assert changed == {"retrievers"}
    assert releasing.check(Project(released), plan.settings, force=False, why=None) == done  # live already
    assert refresh_reference(Project(released), plan.settings)
    assert read_manifest(released / "data" / "reference" / "champion").hash == judged.hash
    past = pl.read_csv(released / "data" / "reference" / "history.csv", schema_overrides={"release": pl.String})
    assert past.filter(live=1).get_column("release").to_list() == [done.release]
    edit_params(released, {"release.refit": False})
    assert not begun(released).refit  # the judged bundle itself is another release


def test_a_refit_that_is_another_recommender_is_refused(released, monkeypatch):
    monkeypatch.chdir(released)
    edit_params(released, {"release": {"refit": True, "least_overlap": 1.0}})
    with pytest.raises(RefusedError, match=r"share 0\.\d\d with the judged ones, expected 1 or more"):
        releasing.refit(begun(released))
    edit_params(released, {"retrievers.popular.half_life_days": 3})
    with pytest.raises(UserError, match=r"params.yaml: changed since the bundle was judged .* run `recops run`"):
        releasing.refit(begun(released))
    assert len(store_of(released).history()) == 1


@pytest.mark.soak
def test_killed_in_the_refit_the_old_one_stays_live_and_the_next_release_ships_it(released):
    edit_params(released, {"release.refit": True})
    store = store_of(released)
    old = store.live()
    killed_in(released, "refit")
    assert store.live() == old
    recops(released, "release")
    done = store.read(store.live())
    assert done.refit and done.judged == bundle_hash(released) != done.bundle_hash
    assert not [path for path in store.root.iterdir() if path.name.endswith((".tmp", ".gone"))]


def killed_in(folder: Path, step: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *KILL[step]], cwd=folder, env=environment(folder), capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr


def kill_point(folder: Path, step: str) -> None:
    store = store_of(folder)
    old, wanted = store.live(), another_bundle(folder)
    killed_in(folder, step)
    assert store.live() == old
    recops(folder, "release")
    done = store.read(store.live())
    assert done.bundle_hash == wanted == bundle_hash(folder)
    assert [release.release for release in store.list()] == [old, done.release]
    assert not [path for path in store.root.iterdir() if path.name.endswith((".tmp", ".gone"))]
    namespaces = {path.stem for path in (folder / ".recops" / "online").glob("*.db")}
    assert namespaces == {namespace_of(old), namespace_of(done.release)}
    assert left_processes(folder) == []
    assert f"rolled back to {old}" in recops(folder, "rollback").stdout
    assert store.live() == old


@pytest.mark.soak
def test_killed_while_the_bento_answers_the_old_one_stays_live_and_the_next_release_ends_well(released):
    kill_point(released, "replay")


@pytest.mark.soak
@pytest.mark.parametrize("step", [step for step in KILL if step not in ("replay", "refit")])
def test_killed_in_any_other_step_too(released, step):
    kill_point(released, step)
    shutil.rmtree(released)


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["global_time", "leave_last_out"])
def test_on_redis_with_few_candidates_the_bento_answers_as_the_bundle_did(project, redis_url, scheme):
    """Under leave-last-out each judged query has an instant of its own, so the replay makes a judgement of its own."""
    edit_params(project, {"split.scheme": scheme, "retrieve.k": 30})
    recops(project, "run")
    done = recops(project, "release", "-v", "--force", "--why", "a test", RECOPS_ONLINE_STORE=redis_url)
    assert "queries=" in done.stderr
    (release,) = store_of(project).list()
    settings = Settings(home=project / ".recops", online_store=redis_url)
    try:
        import redis

        client = redis.Redis.from_url(redis_url)
        assert list(client.scan_iter(f"*{release.namespace}", count=5000))
        assert not list(client.scan_iter(f"*{release.namespace}_replay", count=5000))
    finally:
        drop_namespace(settings, release.namespace)
