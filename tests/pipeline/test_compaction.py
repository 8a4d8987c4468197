"""Compaction and its check, as the hourly flow and the command line call them."""

from __future__ import annotations

import json

import polars as pl
import pytest

from features.arrays import MICROSECONDS_A_DAY
from features.errors import RefusedError
from features.events.clock import clock
from features.events.event_log import EventLog, NewEvent
from features.settings import Settings
from flows.compaction import compact_events, restore_events, retire_events, verify_events
from flows.project.dataset import Project
from models.release.store import Release, ReleaseStore


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def post(settings, n_events, now=clock):
    log = EventLog(settings.events_url, now=now)
    log.append([NewEvent(f"u{n}", "i", "click") for n in range(n_events)])
    log.close()


def test_every_event_is_in_the_shards_once_however_often_it_runs(settings):
    assert compact_events(settings).startswith("0 events")
    post(settings, 3)
    assert compact_events(settings).startswith("3 events")
    assert compact_events(settings).startswith("0 events")
    post(settings, 2)
    assert compact_events(settings).startswith("2 events")
    rows = pl.concat([pl.read_parquet(path) for path in settings.event_shards.glob("*.parquet")])
    assert sorted(rows.get_column("seq")) == [1, 2, 3, 4, 5]
    assert verify_events(settings).startswith("5 events up to 5; 1 shards up to 5: sound")


def test_a_shard_that_was_altered_is_told(settings):
    post(settings, 3)
    compact_events(settings)
    (path,) = settings.event_shards.glob("*.parquet")
    frame = pl.read_parquet(path).with_columns(user_id=pl.lit("somebody else"))
    frame.write_parquet(path)
    with pytest.raises(RefusedError, match=path.name):
        verify_events(settings)


def test_old_events_stay_until_they_are_exported_and_every_release_knows_them(tmp_path):
    project, settings = Project(tmp_path), Settings(home=tmp_path / "home", event_retention_days=1)
    (tmp_path / "params.yaml").write_text("source: {input: data/raw}\n")
    project.paths.raw.mkdir(parents=True)
    (project.paths.raw / "source.json").write_text(json.dumps({"source": "csv", "events_through": 8}))
    today = clock()
    post(settings, 9, lambda: today - 2 * MICROSECONDS_A_DAY)
    post(settings, 1)
    compact_events(settings)
    assert retire_events(project, settings.model_copy(update={"event_retention_days": 3})).startswith("0 events")
    assert retire_events(project, settings.model_copy(update={"event_retention_days": None})).startswith("0 events")
    ReleaseStore(settings.home).write(
        Release(
            release="r1",
            bundle_hash="h",
            created_at="2026-01-01T00:00:00+00:00",
            data_until=0,
            events_through=5,
            namespace="n",
        )
    )
    assert retire_events(project, settings) == "5 events have left the database"
    assert verify_events(settings).startswith(
        "5 events up to 10, those up to 5 in shards alone; 1 shards up to 10: sound"
    )
    assert restore_events(settings).startswith("5 events restored")
    assert verify_events(settings).startswith("10 events up to 10; 1 shards up to 10: sound")


def test_a_clock_that_is_ahead_removes_nothing_and_one_that_is_behind_removes_less(tmp_path):
    project, settings = Project(tmp_path), Settings(home=tmp_path / "home", event_retention_days=30)
    (tmp_path / "params.yaml").write_text("source: {input: data/raw}\n")
    project.paths.raw.mkdir(parents=True)
    (project.paths.raw / "source.json").write_text(json.dumps({"source": "csv", "events_through": 7}))
    today = clock()
    assert retire_events(project, settings) == "0 events have left the database"  # an empty log
    post(settings, 4, lambda: today - 50 * MICROSECONDS_A_DAY)
    post(settings, 3, lambda: today)
    compact_events(settings)
    assert retire_events(project, settings, now=today - 25 * MICROSECONDS_A_DAY) == "0 events have left the database"
    assert (
        retire_events(project, settings, now=today + 10_000 * MICROSECONDS_A_DAY) == "4 events have left the database"
    )
