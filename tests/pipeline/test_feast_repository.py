"""Feast's own tools on the project: they see its definitions, and whichever release is live."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.errors import UserError
from features.events.event_log import Event
from features.online.namespace import OnlineNamespace
from features.online.snapshot import snapshot_items
from features.repo.store import feast
from features.settings import Settings
from features.states.aggregates import POSITION, USER_STATS, state_columns
from features.states.item_states import ItemInfo
from flows.orchestration.processes import free_port
from flows.project.dataset import Project
from flows.releasing import steps as releasing
from flows.releasing.rollback import rollback
from models.release.store import Release, ReleaseStore
from tests.support.release_project import make_project
from tests.support.waiting import wait_for

CODE = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join([str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])])
USERS, ITEMS = ["u0", "u1", "u2", "nobody"], [f"i{n}" for n in range(4)]

_SESSION = """
import os, sys
if sys.argv[1] == "quick":  # without typeguard and torch, which take five of six seconds
    from features.repo.store import feast
    feast()
from feast.cli.cli import cli
start = os.getcwd()
for command in sys.argv[2:]:
    os.chdir(start)
    print("$ feast", command, flush=True)
    try:
        cli(command.split())
    except SystemExit as ended:
        print("ended", ended.code or 0, flush=True)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("RECOPS_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    return tmp_path / "project" / ".recops"


@pytest.fixture
def root(tmp_path, home):
    """A project as a fresh clone has it: no data, no release."""
    folder = tmp_path / "project"
    shutil.copytree(CODE / "features" / "repo", folder / "features" / "repo")
    (folder / "dvc.yaml").write_text("stages: {}\n")
    return folder


def put_live(root: Path, settings: Settings, weights: str) -> Release:
    """A release of a bundle with other weights, without Bento and replay."""
    make_project(root, weights=weights)
    project = Project(root)
    manifest = releasing.check(project, settings, force=False, why=None)
    plan = releasing.begin(project, settings, manifest, who="anna", force=False, why=None)
    releasing.materialize(plan)
    return releasing.swap(plan, f"recops:{weights}-code")


def session(root: Path, *commands: str, as_installed: bool = False, **environment: str) -> dict[str, str]:
    """What Feast's command line printed for each command, in one process; it ends with `ended` and the exit status.

    as_installed: Feast is imported whole, as its own command does it.
    """
    env = {**os.environ, "PYTHONPATH": PYTHONPATH, **environment}
    done = subprocess.run(
        [sys.executable, "-c", _SESSION, "whole" if as_installed else "quick", *commands],
        cwd=root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    printed = done.stdout.split("$ feast ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in printed}


def feast_command(folder: Path, command: str) -> str:
    """What Feast's command line prints for a command in this process, which has imported Feast already."""
    feast()
    from click.testing import CliRunner
    from feast.cli.cli import cli

    with contextlib.chdir(folder):
        done = CliRunner().invoke(cli, command.split())
    assert done.exit_code == 0, done.output
    return done.output


def open_repository(folder: Path):
    feast()
    from feast import FeatureStore

    return FeatureStore(str(folder))


def online(store, service: str = "ranking_online_v1", **keys: list[str]) -> pl.DataFrame:
    columns = keys or {"user_id": USERS, "item_id": ITEMS}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    answer = store.get_online_features(features=store.get_feature_service(service), entity_rows=rows)
    return pl.DataFrame(answer.to_dict(), strict=False)


LISTS = ("feature-views list", "entities list", "feature-services list")
NAMES = ("user_stats", "item_stats_online", "category", "ranking_online_v1")


def test_before_the_first_release_every_command_answers_without_a_traceback(root):
    before = [f"-c ./features/repo {command}" for command in LISTS]
    after = [f"-c features/repo {command}" for command in ("plan", "apply", *LISTS, "projects list")]
    printed = session(root, *before, *after, as_installed=True)
    assert len(printed) == len(before) + len(after)
    for command, text in printed.items():
        assert "Traceback" not in text, (command, text)
        assert text.rstrip().endswith("ended 0"), (command, text)
    assert "Created feature service ranking_online_v1" in printed["-c features/repo plan"]
    assert "no file" in printed["-c features/repo apply"]
    assert "`recops run` writes it" in printed["-c features/repo apply"]
    listed = "".join(printed[f"-c features/repo {command}"] for command in LISTS)
    for name in NAMES:
        assert name in listed, name


def test_before_the_first_release_online_features_are_null(root, caplog):
    feast_command(root, "-c features/repo apply")
    found = online(open_repository(root / "features" / "repo"))
    assert found["user_id"].to_list() == USERS
    assert found.drop("user_id", "item_id").null_count().sum_horizontal().item() == (found.width - 2) * len(USERS)
    assert "no release is live" in caplog.text


def test_after_a_release_the_command_line_reads_it_and_refuses_to_write_it(root, home):
    release = put_live(root, Settings(home=home), "a")
    asked = "get-online-features -e user_id=u0 -e item_id=i0 -f user_stats:n_events -f item_stats_online:item_n_events"
    commands = [*LISTS, "plan", asked, "projects list", "materialize-incremental 2030-01-01T00:00:00", "teardown"]
    printed = session(root / "features" / "repo", *commands)
    for command, text in printed.items():
        assert "Traceback" not in text, (command, text)
    for name in NAMES:
        assert any(name in printed[command] for command in LISTS), name
    assert "no file" not in printed["plan"]
    assert release.namespace in printed["projects list"]
    assert "`recops release` fills the online store" in printed["materialize-incremental 2030-01-01T00:00:00"]
    assert "`recops gc`" in printed["teardown"]
    found = online(open_repository(root / "features" / "repo"))
    assert found["n_events"].null_count() == 1  # nobody's


@pytest.mark.soak
def test_feasts_user_interface_shows_the_project_and_its_releases(root, home):
    pytest.importorskip("grpc", reason="feast ui needs grpcio (requirements.lock)")
    release = put_live(root, Settings(home=home), "a")
    port = free_port()
    command = [sys.executable, "-c", "from feast.cli.cli import cli; cli()", "-c", "features/repo", "ui"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)], cwd=root, env={**os.environ, "PYTHONPATH": PYTHONPATH}
    )
    try:
        base = f"http://127.0.0.1:{port}"
        assert wait_for(lambda: "<html" in (fetched(base) or ""), 120)
        listed = {project["spec"]["name"] for project in json.loads(fetched(f"{base}/api/v1/projects"))["projects"]}
        assert listed == {"recops", release.namespace}
    finally:
        process.terminate()
        process.wait(30)


def fetched(url: str) -> str | None:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return None


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_the_online_service_gives_the_states_that_the_service_uses(root, home, kind, request, monkeypatch):
    url = request.getfixturevalue("redis_url") if kind == "redis" else "sqlite"
    monkeypatch.setenv("RECOPS_ONLINE_STORE", url)
    settings = Settings(home=home, online_store=url)
    release = put_live(root, settings, "a")
    namespace = OnlineNamespace(settings, release.namespace)
    try:
        store = open_repository(root / "features" / "repo")
        assert_same(online(store), namespace, items_of(home, release))

        event = Event(1, "e1", "u0", "i1", "click", 1_800_000_000_000_000, None, 1_800_000_000_000_000, None)
        namespace.record("u0", [event], ItemInfo(ITEMS, [None] * 4))
        after = online(store)
        assert_same(after, namespace, items_of(home, release))
        assert after["item_ids"][0].to_list()[-1] == "i1"
    finally:
        namespace.drop()


def items_of(home: Path, release: Release):
    return snapshot_items(ReleaseStore(home).folder(release.release), ITEMS, release.events_through)


def assert_same(found: pl.DataFrame, namespace: OnlineNamespace, items) -> None:
    states = namespace.users(USERS)
    for row, state in enumerate(states):
        for name in state_columns(USER_STATS):
            expected = state.stats[POSITION[name]]
            assert found[name][row] == (None if np.isnan(expected) else expected), (row, name)
        assert (found["item_ids"][row] is not None) == bool(state.item_ids)
        if state.item_ids:
            assert found["item_ids"][row].to_list() == state.item_ids
            assert found["timestamps"][row].to_list() == state.timestamps.tolist()
    columns = [name for name in found.columns if name.startswith("item_") and name not in ("item_id", "item_ids")]
    assert len(columns) == 10
    for name in columns:
        expected = items.states[:, POSITION[name.removeprefix("item_")]]
        assert found[name].cast(pl.Float64).fill_null(np.nan).to_numpy() == pytest.approx(expected, abs=0, nan_ok=True)


def test_an_open_store_follows_a_release_and_a_rollback(root, home, monkeypatch):
    settings = Settings(home=home)
    first = put_live(root, settings, "a")
    store = open_repository(root / "features" / "repo")
    before = online(store)
    second = put_live(root, settings, "b")
    event = Event(1, "e1", "u1", "i1", "click", 1_800_000_000_000_000, None, 1_800_000_000_000_000, None)
    OnlineNamespace(settings, second.namespace).record("u1", [event], ItemInfo(ITEMS, [None] * 4))
    assert online(store)["n_events"][1] == before["n_events"][1] + 1
    rollback(settings, who="anna")
    assert ReleaseStore(home).live() == first.release
    assert online(store).equals(before)


def test_the_past_is_asked_by_the_service_that_training_uses(root, home):
    make_project(root)
    feast_command(root, "-c features/repo apply")
    store = open_repository(root / "features" / "repo")
    import pandas as pd

    at = datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(minutes=1)
    rows = pd.DataFrame({"user_id": ["u0"], "item_id": ["i0"], "category": ["c"], "event_timestamp": [at]})
    job = store.get_historical_features(
        entity_df=rows, features=store.get_feature_service("ranking_v1"), full_feature_names=True
    )
    found = job.to_df()
    assert found["user_stats__n_events"][0] == 4  # of hours 0, 3, 6, 9
    assert found["item_stats__n_events"][0] == 3  # of hours 0, 4, 8
    with pytest.raises(UserError, match=r"no past.*online"):
        store.get_historical_features(
            entity_df=rows[["user_id", "event_timestamp"]], features=["user_history:item_ids"]
        )


def test_without_feature_tables_the_past_is_refused_in_a_sentence(root):
    feast_command(root, "-c features/repo apply")
    store = open_repository(root / "features" / "repo")
    import pandas as pd

    rows = pd.DataFrame({"user_id": ["u0"], "event_timestamp": [datetime(2026, 1, 1, tzinfo=UTC)]})
    with pytest.raises(
        UserError, match=r"user_stats_file: no file .*user_stats.parquet; make the feature tables first"
    ):
        store.get_historical_features(entity_df=rows, features=["user_stats:n_events"])


def test_a_release_leaves_settings_beside_the_registry_that_need_no_project_folder(root, home, tmp_path, monkeypatch):
    put_live(root, Settings(home=home), "a")
    monkeypatch.chdir(tmp_path)
    store = open_repository(home / "online")
    assert online(store).equals(online(open_repository(root / "features" / "repo")))
    import pandas as pd

    at = datetime(2026, 1, 2, tzinfo=UTC)
    rows = pd.DataFrame({"user_id": ["u0"], "event_timestamp": [at]})
    job = store.get_historical_features(entity_df=rows, features=["user_stats:n_events"])
    assert job.to_df()["n_events"][0] == 4


def test_a_project_that_was_moved_is_read_where_it_is(root, home, tmp_path):
    put_live(root, Settings(home=home), "a")
    expected = online(open_repository(root / "features" / "repo"))
    moved = tmp_path / "elsewhere"
    root.rename(moved)
    store = open_repository(moved / "features" / "repo")
    assert online(store).equals(expected)
    import pandas as pd

    rows = pd.DataFrame({"user_id": ["u0"], "event_timestamp": [datetime(2026, 1, 2, tzinfo=UTC)]})
    found = store.get_historical_features(entity_df=rows, features=["user_stats:n_events"]).to_df()
    assert found["n_events"][0] == 4


def test_with_a_sql_registry_everything_is_in_the_database(root, home, postgres_url, monkeypatch):
    monkeypatch.setenv("RECOPS_FEAST_REGISTRY", postgres_url)
    settings = Settings(home=home)
    first, second = (put_live(root, settings, weights) for weights in ("a", "b"))
    assert not (home / "online" / "feast_registry.pb").exists()
    text = (home / "online" / "feature_store.yaml").read_text()
    assert postgres_url not in text
    assert_same(
        online(open_repository(home / "online")),
        OnlineNamespace(settings, second.namespace),
        items_of(home, second),
    )
    printed = session(
        root, "-c features/repo -f features/repo/feature_store_sql.yaml projects list", "-c features/repo entities list"
    )
    listed, refused = printed.values()
    assert {first.namespace, second.namespace, "recops"} <= set(listed.split())
    assert "feature_store_sql.yaml" in refused
    assert refused.rstrip().endswith("ended 2")
    OnlineNamespace(settings, first.namespace).drop()
    listed = feast_command(root, "-c features/repo -f features/repo/feature_store_sql.yaml projects list")
    assert first.namespace not in listed
    assert second.namespace in listed


def test_a_release_of_before_keeps_its_own_registry_file_until_it_goes(root, home):
    from features.repo.store import apply, open_store

    settings = Settings(home=home)
    release = put_live(root, settings, "a")
    namespace = OnlineNamespace(settings, release.namespace)
    expected = namespace.users(["u0"])[0].item_ids
    namespace.close()
    own = home / "online" / f"{release.namespace}.registry"
    apply(open_store(release.namespace, own, namespace.place.settings()), root / "data" / "features", home / "none")
    (home / "online" / "feast_registry.pb").unlink()
    assert OnlineNamespace(settings, release.namespace).users(["u0"])[0].item_ids == expected
    assert not (home / "online" / "feast_registry.pb").exists()
    namespace.drop()
    assert not own.exists()


def test_a_live_release_without_item_rows_gives_null_item_states(root, home, caplog):
    import sqlite3

    release = put_live(root, Settings(home=home), "a")
    with sqlite3.connect(home / "online" / f"{release.namespace}.db") as connection:
        connection.execute(f'DROP TABLE "{release.namespace}_item_stats_online"')
    connection.close()
    found = online(open_repository(root / "features" / "repo"))
    assert found["n_events"][0] == 4
    assert found["item_n_events"].null_count() == len(USERS)
    assert "release again" in caplog.text


def test_a_damaged_pointer_is_told_and_not_taken_for_no_release(root, home):
    put_live(root, Settings(home=home), "a")
    pointer = home / "releases" / "live.json"
    pointer.write_text(json.dumps({"history": [{}]}))
    with pytest.raises(UserError, match=r"live.json: not readable"):
        online(open_repository(root / "features" / "repo"))
