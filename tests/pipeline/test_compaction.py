"""Compaction and its check, as the hourly flow and the command line call them."""

from __future__ import annotations

import polars as pl
import pytest

from features.errors import RefusedError
from features.events.event_log import EventLog, NewEvent
from features.settings import Settings
from flows.compaction import compact_events, shards_of, verify_events


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def post(settings, n_events):
    log = EventLog(settings.events_url)
    log.append([NewEvent(f"u{n}", "i", "click") for n in range(n_events)])
    log.close()


def test_every_event_is_in_the_shards_once_however_often_it_runs(settings):
    assert compact_events(settings).startswith("0 events")
    post(settings, 3)
    assert compact_events(settings).startswith("3 events")
    assert compact_events(settings).startswith("0 events")
    post(settings, 2)
    assert compact_events(settings).startswith("2 events")
    rows = pl.concat([pl.read_parquet(path) for path in shards_of(settings).glob("*.parquet")])
    assert sorted(rows.get_column("seq")) == [1, 2, 3, 4, 5]
    assert verify_events(settings).startswith("5 events up to 5; 1 shards up to 5: sound")


def test_a_shard_that_was_altered_is_told(settings):
    post(settings, 3)
    compact_events(settings)
    (path,) = shards_of(settings).glob("*.parquet")
    frame = pl.read_parquet(path).with_columns(user_id=pl.lit("somebody else"))
    frame.write_parquet(path)
    with pytest.raises(RefusedError, match=path.name):
        verify_events(settings)
