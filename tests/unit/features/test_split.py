"""The split agrees with the independent splitter and with cases worked out by hand."""

from __future__ import annotations

import importlib.util
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from features.errors import UserError
from features.files import write_text
from features.schema import INTERACTIONS
from features.split import Params, read_cuts, split

Row = tuple[str, str, int] | tuple[str, str, int, str | None]
start = datetime(2024, 1, 1, tzinfo=UTC)


def table(rows: list[Row]) -> pl.DataFrame:
    """INTERACTIONS from (user, item, seconds after the start[, event])."""
    times = [start + timedelta(seconds=row[2]) for row in rows]
    columns = {
        "user_id": [row[0] for row in rows],
        "item_id": [row[1] for row in rows],
        "timestamp": times,
        "event": [row[3] if len(row) > 3 else None for row in rows],
        "value": [None] * len(rows),
        "known_at": times,
    }
    return pl.DataFrame(columns, schema=dict(INTERACTIONS.columns))


def pairs(frame: pl.DataFrame) -> list[tuple[str, str]]:
    return list(frame.select("user_id", "item_id").iter_rows())


def test_a_row_at_a_cut_is_before_it() -> None:
    # ten rows: the cuts are the timestamps of the 8th and the 9th row; rows 8 and 9 share their instant with others
    seconds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    parts = split(table([("u", f"i{n}", at) for n, at in enumerate(seconds)] + [("u", "late", 10)]), Params())
    # eleven rows: int(11 * 0.8) = 8 -> instant 8; int(11 * 0.9) = 9 -> instant 9, which two rows share
    assert [row[1] for row in pairs(parts.train)] == [f"i{n}" for n in range(8)]
    assert [row[1] for row in pairs(parts.valid)] == ["i8", "i9"]
    assert [row[1] for row in pairs(parts.test)] == ["late"]
    assert parts.cuts.valid_cut == int((start + timedelta(seconds=8)).timestamp() * 1e6)
    assert not parts.cuts.leaky


def test_rows_of_one_instant_keep_their_order() -> None:
    rows = table([("u", name, 1) for name in "hgfedcba"] + [("u", "x", 2), ("u", "y", 3)])
    assert [row[1] for row in pairs(split(rows, Params()).train)] == list("hgfedcba")


def test_leave_last_out_holds_out_the_last_two_items_of_each_user() -> None:
    rows = table(
        [("u", "a", 1), ("u", "b", 2), ("u", "c", 3), ("v", "a", 9), ("v", "b", 9), ("v", "c", 9), ("w", "a", 1)]
    )
    parts = split(rows, Params(scheme="leave_last_out"))
    assert pairs(parts.train) == [("u", "a"), ("w", "a"), ("v", "a")]
    assert pairs(parts.valid) == [("u", "b"), ("v", "b")]
    assert pairs(parts.test) == [("u", "c"), ("v", "c")]
    assert parts.cuts.leaky
    assert parts.cuts.why.startswith("Leaky:")


def test_all_rows_of_a_target_leave_the_history() -> None:
    # c was bought early and last: its early row must not make the target a seen item
    rows = table(
        [("u", "c", 1), ("u", "a", 2), ("u", "b", 3), ("u", "a", 4), ("u", "d", 5), ("u", "b", 6), ("u", "c", 7)]
    )
    parts = split(rows, Params(scheme="leave_last_out"))
    assert pairs(parts.test) == [("u", "c"), ("u", "c")]
    assert pairs(parts.valid) == [("u", "b"), ("u", "b")]
    assert pairs(parts.train) == [("u", "a"), ("u", "a"), ("u", "d")]


def test_rows_that_are_no_positives_are_no_targets() -> None:
    rows = table(
        [
            ("u", "a", 1),
            ("u", "b", 2),
            ("u", "c", 3),
            ("u", "x", 4, "impression"),
            ("u", "d", 5),
            ("u", "y", 6, "impression"),
        ]
    )
    parts = split(rows, Params(scheme="leave_last_out"))
    assert pairs(parts.train) == [("u", "a"), ("u", "b")]
    assert pairs(parts.valid) == [("u", "c"), ("u", "x")]
    assert pairs(parts.test) == [("u", "d"), ("u", "y")]


def test_artificial_time_is_split_per_user_and_says_so() -> None:
    rows = table([("u", "a", 1), ("u", "b", 2), ("u", "c", 3)])
    parts = split(rows, Params(), artificial_time=True)
    assert parts.cuts.scheme == "leave_last_out"
    assert "no times" in parts.cuts.why
    assert parts.summary()["artificial_time"] is True


def test_every_row_lies_in_exactly_one_part() -> None:
    rows = _random(3000, seed=4)
    for scheme in ("global_time", "leave_last_out"):
        parts = split(rows, Params(scheme=scheme))  # type: ignore[arg-type]
        together = pl.concat([parts.train, parts.valid, parts.test])
        order = list(INTERACTIONS.columns)
        assert together.sort(order).equals(rows.sort(order))


def test_too_little_data_is_told_with_the_remedy() -> None:
    with pytest.raises(UserError, match=r"1 rows .* too few to split by time.*'train'.*leave_last_out"):
        split(table([("u", "a", 1)]), Params())
    with pytest.raises(UserError, match=r"5 rows .* at 1 instants .*\['valid', 'test'\]"):
        split(table([("u", name, 1) for name in "abcde"]), Params())
    with pytest.raises(UserError, match="no user has three different positive items"):
        split(table([("u", "a", 1), ("u", "b", 2), ("v", "a", 2)]), Params(scheme="leave_last_out"))
    with pytest.raises(UserError, match="0 rows"):
        split(INTERACTIONS.empty(), Params())


def test_shares_must_be_in_order() -> None:
    with pytest.raises(ValidationError, match="must be below test_share"):
        Params(valid_share=0.9, test_share=0.8)


def test_the_cuts_come_back_from_split_json(tmp_path: Path) -> None:
    import json

    parts = split(_random(500, seed=1), Params())
    write_text(json.dumps(parts.summary()), tmp_path / "split.json")
    assert read_cuts(tmp_path / "split.json") == parts.cuts


def _random(n_rows: int, seed: int) -> pl.DataFrame:
    """Rows with repeated pairs and many ties in time."""
    rng = np.random.default_rng(seed)
    users, items, times = rng.integers(0, 60, n_rows), rng.integers(0, 40, n_rows), rng.integers(0, 500, n_rows)
    return table([(f"u{u}", f"i{i}", int(t)) for u, i, t in zip(users, items, times, strict=True)])


@pytest.fixture(scope="module")
def splitter() -> ModuleType:
    """The independent splitter that peers were measured with."""
    bench = os.environ.get("RECOPS_BENCH")
    if not bench:
        pytest.skip("RECOPS_BENCH names no folder with splitter.py")
    spec = importlib.util.spec_from_file_location("splitter", Path(bench) / "splitter.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _frame(rows: pl.DataFrame) -> object:
    """What the splitter reads: seconds, pandas."""
    return rows.select("user_id", "item_id", pl.col("timestamp").dt.epoch("s")).to_pandas()


@pytest.mark.parametrize("seed", range(5))
def test_global_time_agrees_with_the_splitter(splitter: ModuleType, seed: int) -> None:
    rows = _random(2000 + seed, seed)
    parts = split(rows, Params())
    theirs, cuts = splitter.global_temporal(_frame(rows))
    assert (cuts["t_val"] * 1e6, cuts["t_test"] * 1e6) == (parts.cuts.valid_cut, parts.cuts.test_cut)
    assert pairs(parts.train) == list(theirs["train"][["user_id", "item_id"]].itertuples(index=False, name=None))
    assert sorted(pairs(pl.concat([parts.train, parts.valid]))) == sorted(
        theirs["trainval"][["user_id", "item_id"]].itertuples(index=False, name=None)
    )
    for part, history, name in (
        (parts.valid, parts.train, "val"),
        (parts.test, pl.concat([parts.train, parts.valid]), "test"),
    ):
        fresh = part.unique(["user_id", "item_id"], keep="first", maintain_order=True).join(
            history, on=["user_id", "item_id"], how="anti", maintain_order="left"
        )
        assert pairs(fresh) == list(theirs[name][["user_id", "item_id"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("seed", range(5))
def test_leave_last_out_agrees_with_the_splitter(splitter: ModuleType, seed: int) -> None:
    rows = _random(900 + seed, seed)
    parts = split(rows, Params(scheme="leave_last_out"))
    theirs, _ = splitter.leave_one_out(_frame(rows))
    for ours, name in ((parts.train, "train"), (parts.valid, "val"), (parts.test, "test")):
        assert set(pairs(ours)) == set(theirs[name][["user_id", "item_id"]].itertuples(index=False, name=None))
    for part, name in ((parts.valid, "val"), (parts.test, "test")):
        targets = part.group_by("user_id", maintain_order=True).last().select("user_id", "item_id", "timestamp")
        expected = [
            (u, i, int(t)) for u, i, t in theirs[name][["user_id", "item_id", "timestamp"]].itertuples(index=False)
        ]
        ours_ = [(u, i, int(t.timestamp())) for u, i, t in targets.iter_rows()]
        assert sorted(ours_) == sorted(expected)
