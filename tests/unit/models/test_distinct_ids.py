"""Ids of any length: the same positions as numpy's, in memory that does not depend on the longest one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from models.data.tables import make_log
from models.data.vocabulary import Vocabulary, distinct_ids


def test_ids_are_in_the_order_of_their_code_points_as_numpy_has_them() -> None:
    rng = np.random.default_rng(1)
    letters = list("aZ09 é中😀\uffff\U00010000~")
    ids = ["".join(rng.choice(letters, rng.integers(1, 5))) for _ in range(3000)]
    names, positions = distinct_ids(pl.Series(ids))
    theirs, places = np.unique(np.array(ids), return_inverse=True)
    assert names == theirs.tolist() == sorted(set(ids))
    assert positions.dtype == np.int64
    assert positions.tolist() == places.tolist()


def test_no_id_at_all() -> None:
    names, positions = distinct_ids(pl.Series([], dtype=pl.String))
    assert names == []
    assert positions.tolist() == []


def log_rows(n: int, long: str) -> pl.DataFrame:
    times = pl.Series(range(n)).cast(pl.Datetime("us", "UTC"))
    users = [long if row == 7 else f"u{row % 5000}" for row in range(n)]
    frame = pl.DataFrame({"user_id": users, "item_id": [f"i{row % 300}" for row in range(n)], "timestamp": times})
    return frame.with_columns(
        known_at="timestamp", event=pl.lit(None, pl.String), value=pl.lit(None, pl.Float64), trust=pl.lit(1.0)
    )


def test_a_log_names_its_users_whatever_the_length_of_their_ids() -> None:
    log = make_log(log_rows(20, "x" * 4000), Vocabulary([f"i{item}" for item in range(300)]))
    assert log.user_ids[log.users].tolist() == log_rows(20, "x" * 4000)["user_id"].to_list()


PROGRAM = """
import resource, sys
import polars as pl
from tests.unit.models.test_distinct_ids import log_rows
from models.data.tables import make_log
from models.data.vocabulary import Vocabulary
rows, words = log_rows(50_000, "x" * int(sys.argv[1])), Vocabulary(sorted(f"i{item}" for item in range(300)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
make_log(rows, words)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("length", [10, 4000])
def test_one_long_id_costs_its_own_length(length: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(length)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-1000:]
    assert int(done.stdout) < 60  # MiB; 50,000 rows of 4,000 characters took 2,400
