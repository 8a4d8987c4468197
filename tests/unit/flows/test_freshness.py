"""Freshness is asked of the clock before a run, and leaves nothing behind."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from features.errors import RefusedError, UserError
from features.importing.importer import import_source
from flows.project.dataset import Project
from flows.project.running.freshness import judge_freshness

NEWEST = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def project(tmp_path):
    """A project with two imported rows, the newest of `NEWEST`."""

    def make(section: str = "", **columns):
        rows = {"user_id": ["u", "v"], "item_id": ["a", "b"], **columns}
        (tmp_path / "in").mkdir()
        pl.DataFrame(rows).write_csv(tmp_path / "in" / "interactions.csv")
        import_source("csv", tmp_path / "in", {}, tmp_path / "data" / "raw", False, None)
        (tmp_path / "params.yaml").write_text(f"source: {{name: csv, input: data/raw}}\n{section}")
        return Project(tmp_path)

    return make


TIMES = {"timestamp": ["2026-01-01T00:00:00Z", NEWEST.isoformat()]}


def files(project):
    return {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("age", "warned"), [(29.9, False), (30.1, True)])
def test_data_older_than_the_limit_are_warned_of_and_nothing_is_written(project, caplog, age, warned):
    found = project(**TIMES)
    before = files(found)
    with caplog.at_level(logging.WARNING):
        judge_freshness(found, NEWEST + timedelta(days=age))
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == warned
    assert all("the newest event is 30.1 days old (2026-01-31 12:00 UTC)" in message for message in messages)
    assert files(found) == before


def test_where_params_say_so_older_data_stop_the_run(project):
    found = project("freshness: {max_age_days: 2, when_older: fail}\n", **TIMES)
    judge_freshness(found, NEWEST + timedelta(days=1.9))
    with pytest.raises(RefusedError, match=r"2\.5 days old .*freshness\.max_age_days 2"):
        judge_freshness(found, NEWEST + timedelta(days=2.5))


def test_a_time_that_is_a_mere_order_has_no_age(project):
    judge_freshness(project("freshness: {when_older: fail}\n"), NEWEST)


def test_the_simulated_world_has_no_age(tmp_path):
    (tmp_path / "params.yaml").write_text("source: {name: simulator, input: none}\nfreshness: {when_older: fail}\n")
    judge_freshness(Project(tmp_path), NEWEST)


def test_a_mistake_in_the_section_is_named(project):
    with pytest.raises(UserError, match="freshness"):
        judge_freshness(project("freshness: {when_older: stop}\n", **TIMES), NEWEST + timedelta(days=99))
