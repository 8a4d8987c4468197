"""The loop closes: what is posted to the service is in the next run's split, exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from dataclasses import replace

import polars as pl
import pytest

from features.catalogue_changes.item import NewItem
from features.catalogue_changes.item_log import ItemLog
from features.catalogue_changes.joining import availability
from features.events.connecting import open_database
from features.events.event_log import EventLog, NewEvent
from features.settings import Settings
from flows.orchestration.processes import free_port
from flows.project.dag import Dag
from flows.project.dataset import Project
from flows.project.imports import export_events, exported_through, import_into_project
from flows.retrain import worth_releasing
from flows.train import Outcome
from models.release.store import Release, ReleaseStore
from tests.support.release_project import make_project
from tests.support.workspace import environment, make_workspace, recops, run


def call(address, body):
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


@pytest.fixture
def service(released):
    """`recops serve` on the released project; address and project."""
    port = free_port()
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", str(port)]
    log = released / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=released, env=environment(released), stdout=out, stderr=out)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=2)
                break
            except OSError:
                time.sleep(0.2)
        yield address, released
    finally:
        process.terminate()
        process.wait(30)


def rows_of(folder, user_id):
    """The user's rows in all parts of the split."""
    parts = [pl.read_parquet(folder / "data" / "split" / f"{part}.parquet") for part in ("train", "valid", "test")]
    return pl.concat(parts).filter(pl.col("user_id") == user_id)


def test_an_event_posted_to_the_service_is_in_the_next_runs_split_exactly_once(service):
    address, folder = service
    item = call(f"{address}/recommend", {"user_id": "newcomer"})["items"][0]["item_id"]
    event = {"event_id": "once", "user_id": "newcomer", "item_id": item, "event": "click"}
    assert call(f"{address}/events", {"events": [event]}) == {"accepted": 1, "duplicates": 0}
    assert call(f"{address}/events", {"events": [event]}) == {"accepted": 0, "duplicates": 1}
    assert rows_of(folder, "newcomer").is_empty()
    assert "1 events exported" in recops(folder, "events", "export").stdout
    assert "0 events exported" in recops(folder, "events", "export").stdout
    recops(folder, "run", "--until", "split")
    (row,) = rows_of(folder, "newcomer").to_dicts()
    assert (row["item_id"], row["event"]) == (item, "click")
    assert json.loads((folder / "data" / "tables" / "source.json").read_text())["events_through"] == 1


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A project that nothing was imported into, and an event log beside it."""
    folder = make_workspace(tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder, Settings(home=folder / ".recops")


def post(settings, *event_ids):
    log = EventLog(settings.events_url)
    log.append([NewEvent("u-new", "i-new", "click", event_id=event_id) for event_id in event_ids])
    log.close()


def exported(folder):
    return pl.read_parquet(folder / "data" / "raw" / "interactions.parquet").filter(user_id="u-new").height


def test_each_export_starts_where_the_last_one_ended(fresh):
    folder, settings = fresh
    assert export_events(Project(folder), settings).n_events == 0  # no event: the simulated world stays what it is
    assert not (folder / "data" / "raw").exists()
    post(settings, "a", "b")
    assert export_events(Project(folder), settings).n_events == 2
    post(settings, "b", "c")
    assert export_events(Project(folder), settings).n_events == 1
    assert export_events(Project(folder), settings).n_events == 0
    assert (exported(folder), exported_through(Project(folder))) == (3, 3)


def test_posted_items_are_in_the_data_and_stay_there_when_it_is_imported_again(fresh):
    folder, settings = fresh
    known = simulated_item(folder)
    with closing(open_database(settings.events_url)) as database:
        log = ItemLog(database)
        log.post(
            [NewItem("p-1", {"title": "Wool hat", "tags": ["wool"], "price": 9.5, "created_at": 1_700_000_000_000_000})]
        )
        log.post([NewItem(known, {"price": 3.0, "available": False}), NewItem("p-2", {"title": "Gone"})])
        log.delete("p-2")
    report = export_events(Project(folder), settings)
    assert (report.n_events, report.n_items) == (0, 3)
    assert "3 posted items" in report.text()
    assert export_events(Project(folder), settings).n_items == 0

    def check() -> None:
        rows = {row["item_id"]: row for row in pl.read_parquet(folder / "data/raw/items.parquet").iter_rows(named=True)}
        assert (rows["p-1"]["title"], rows["p-1"]["tags"], rows["p-1"]["price"]) == ("Wool hat", ["wool"], 9.5)
        assert rows["p-1"]["available"] is None and rows["p-1"]["available_from"] is None
        assert rows[known]["price"] == 3.0 and rows[known]["title"] is not None
        assert rows[known]["available"] is False and rows[known]["available_until"] is not None
        assert (rows["p-2"]["title"], rows["p-2"]["available"]) == ("Gone", False) or rows["p-2"]["title"] is None

    check()
    import_into_project(Project(folder), settings, "simulator")
    check()
    with closing(open_database(settings.events_url)) as database:
        ItemLog(database).post([NewItem(known, {"available": True})])
    assert export_events(Project(folder), settings).n_items == 1
    items = pl.read_parquet(folder / "data/raw/items.parquet")
    row = items.filter(item_id=known).row(0, named=True)
    assert (row["available"], row["available_until"], row["price"]) == (None, None, 3.0)
    times = availability(items, items)
    assert times.get_column("item_id").to_list() == ["p-2"]


def simulated_item(folder) -> str:
    from features.importing.ingest import Params, ingest

    tables, _ = ingest(Params(simulator=Project(folder).params()["source"].get("simulator") or {}))
    return tables["items"].row(5, named=True)["item_id"]


def test_an_import_begins_a_new_line_to_which_earlier_events_do_not_belong(fresh):
    folder, settings = fresh
    post(settings, "a", "b")
    import_into_project(Project(folder), settings, "simulator")
    assert (export_events(Project(folder), settings).n_events, exported_through(Project(folder))) == (0, 2)
    post(settings, "c")
    assert export_events(Project(folder), settings).n_events == 1
    assert exported(folder) == 1


def test_with_the_params_of_before_the_export_starts_again(fresh):
    folder, settings = fresh
    before = (folder / "params.yaml").read_text()
    post(settings, "a", "b")
    assert export_events(Project(folder), settings).n_events == 2
    (folder / "params.yaml").write_text(before)  # as `git checkout params.yaml` does
    assert export_events(Project(folder), settings).n_events == 2
    assert exported(folder) == 2


KILLED_EXPORT = """
import os
from pathlib import Path
from features.settings import Settings
from flows.project import imports
from flows.project.dataset import Project
imports.put_under_dvc = lambda *_: os._exit(9)
imports.export_events(Project(Path.cwd()), Settings())
"""


def test_an_export_that_was_killed_before_dvc_knew_of_it_is_ended_by_the_next(fresh):
    folder, settings = fresh
    post(settings, "a")
    export_events(Project(folder), settings)
    before = (folder / "data" / "raw.dvc").read_bytes()
    post(settings, "b")
    killed = run("-c", KILLED_EXPORT, cwd=folder, check=False, RECOPS_HOME=str(settings.home))
    assert killed.returncode == 9
    assert (folder / "data" / "raw.dvc").read_bytes() == before
    assert export_events(Project(folder), settings).n_events == 0
    assert exported(folder) == 2
    assert (folder / "data" / "raw.dvc").read_bytes() != before
    assert "ingest" in Dag(folder).stale()


def test_an_export_that_is_interrupted_changes_nothing_and_happens_later(fresh, monkeypatch):
    folder, settings = fresh
    post(settings, "a")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("flows.project.imports.put_under_dvc", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export_events(Project(folder), settings)
    assert export_events(Project(folder), settings).n_events == 1


@pytest.fixture
def judged(tmp_path):
    manifest = make_project(tmp_path / "project")
    return tmp_path / "project", Settings(home=tmp_path / "home"), manifest


def put(settings, name, bundle_hash):
    store = ReleaseStore(settings.home)
    store.write(
        Release(
            release=name,
            bundle_hash=bundle_hash,
            created_at="2026-01-01T00:00:00+00:00",
            data_until=0,
            events_through=0,
            namespace=name,
        )
    )
    store.swap(name, who="t", why="")


def test_a_schedule_releases_what_the_gate_promoted_and_was_never_live(judged):
    root, settings, _ = judged
    assert worth_releasing(Project(root), settings, Outcome(promote=True)) is None
    assert "did not promote" in worth_releasing(Project(root), settings, Outcome(promote=False))


def test_a_schedule_leaves_alone_what_is_live_and_what_was_taken_back(judged):
    root, settings, manifest = judged
    name = f"20260101-000000-{manifest.hash[:8]}"
    put(settings, name, manifest.hash)
    assert f"live already as {name}" in worth_releasing(Project(root), settings, Outcome(promote=True))
    put(settings, "20260102-000000-00000000", "0" * 64)
    assert "taken back" in worth_releasing(Project(root), settings, Outcome(promote=True))


def test_a_schedule_leaves_alone_what_is_live_as_an_update(judged):
    root, settings, manifest = judged
    name = f"20260101-000000-{manifest.hash[:8]}"
    put(settings, name, manifest.hash)
    store = ReleaseStore(settings.home)
    update = replace(store.read(name), release="20260101-001500-00000000", kind="update", update={"release": name})
    store.write(update)
    store.swap(update.release, who="test", why="a test")
    said = worth_releasing(Project(root), settings, Outcome(promote=True))
    assert said == f"{update.release} is live, an update of it"
