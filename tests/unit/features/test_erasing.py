"""Erasing from SQLite files: an erased key is in no byte of the file, wherever pages were split before."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from features.privacy.erasing import erasing


def test_no_key_stays_in_a_page_that_was_split(tmp_path):
    path, draw = tmp_path / "rows.db", random.Random(1)
    keys = [f"user-{draw.random()}" for _ in range(1500)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute("create table rows (key text, part text, value blob, primary key (key, part))")
        for key in draw.sample(keys, len(keys)) + draw.sample(keys, len(keys)):
            for part in "abc":
                row = (key, part, b"x" * draw.randrange(300))
                connection.execute("insert or replace into rows values (?, ?, ?)", row)
        with erasing(path) as own:
            own.executemany("delete from rows where key = ?", [(key,) for key in keys[:200]])
        content = path.read_bytes()
        assert sum(key.encode() in content for key in keys) == 1300
        assert connection.execute("select count(distinct key) from rows").fetchone() == (1300,)


def test_who_reads_for_too_long_is_an_error_and_not_a_silent_rest(tmp_path):
    path = tmp_path / "rows.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("pragma journal_mode=wal")
        reader.execute("create table rows (key text)")
        reader.execute("insert into rows values ('user-1')")
        reader.execute("begin")
        reader.execute("select * from rows").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="others have used"), erasing(path, 0.05) as own:
            own.execute("delete from rows")
        reader.execute("rollback")
        with erasing(path, 0.05):
            pass
        assert b"user-1" not in path.read_bytes()
