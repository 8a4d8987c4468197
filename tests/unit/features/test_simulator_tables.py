"""The simulator's tables: they fit the schema, are the same every time, and hold nothing of the truth."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from features.importing.importer import import_source
from features.schema import QUARANTINE, RAW_TABLES
from features.simulation.parameters import Params
from features.simulation.scenario import small
from features.simulation.tables import truth
from features.simulation.truth import Truth
from features.sources.simulator import read
from features.table import write_parquet

PARAMS = small(3)
TABLES = read(PARAMS)
START, END = PARAMS.start_at, PARAMS.end_at


def test_every_table_fits_its_schema():
    for name, table in RAW_TABLES.items():
        table.check(getattr(TABLES, name), source="the test")
    QUARANTINE.check(TABLES.quarantine, source="the test")
    assert TABLES.interactions.height > 2000
    assert TABLES.items.height == PARAMS.n_items
    assert TABLES.users.height == PARAMS.n_users


def test_all_ids_of_interactions_and_relations_stand_in_the_side_tables():
    assert TABLES.interactions.join(TABLES.items, on="item_id", how="anti").is_empty()
    assert TABLES.interactions.join(TABLES.users, on="user_id", how="anti").is_empty()
    assert TABLES.relations.join(TABLES.users, left_on="friend_id", right_on="user_id", how="anti").is_empty()


def _digest(tables) -> str:
    frames = {**{name: getattr(tables, name) for name in RAW_TABLES}, **tables.extras}
    digest = hashlib.sha256()
    for name in sorted(frames):
        digest.update(name.encode() + frames[name].write_ipc(None, compression="uncompressed").getvalue())
    return digest.hexdigest()


def test_the_same_params_give_the_same_bytes_whatever_the_hash_seed():
    code = (
        "from features.simulation.scenario import small\nfrom features.sources.simulator import read\n"
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        f"spec = spec_from_file_location('t', {__file__!r})\nt = module_from_spec(spec)\nspec.loader.exec_module(t)\n"
        "print(t._digest(read(small(3))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "123"},
    )
    assert done.stdout.strip() == _digest(TABLES)


def test_the_same_tables_are_the_same_parquet_files(tmp_path):
    write_parquet(TABLES.interactions, tmp_path / "one.parquet")
    write_parquet(read(PARAMS).interactions, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_another_seed_is_another_world():
    assert not read(small(4)).interactions.equals(TABLES.interactions)


def test_the_tables_hold_nothing_of_the_truth():
    assert set(TABLES.items.columns) == {
        "item_id",
        "title",
        "description",
        "tags",
        "category",
        "price",
        "created_at",
    }
    assert set(TABLES.users.columns) == {"user_id", "signed_up_at", "country", "age_band"}
    assert set(TABLES.extras["exposures"].columns) == {
        "page_id",
        "user_id",
        "item_id",
        "timestamp",
        "position",
        "propensity",
        "clicked",
    }
    assert all(name.startswith("truth/") for name in TABLES.extras if name != "exposures")


def test_an_id_tells_neither_age_nor_kind():
    known = truth(PARAMS)
    number = np.array([int(user_id[1:]) for user_id in known.user_ids])
    for secret in (known.world.users.visits, known.world.users.joined_at, known.world.users.is_bot):
        assert abs(np.corrcoef(number, secret)[0, 1]) < 0.25
    number = np.array([int(item_id[1:]) for item_id in known.item_ids])
    assert abs(np.corrcoef(number, known.world.items.created_at)[0, 1]) < 0.3


def test_rows_are_in_time_order_and_known_within_the_simulated_time():
    rows = TABLES.interactions
    times = rows.get_column("timestamp").dt.epoch("us").to_numpy()
    known = rows.get_column("known_at").dt.epoch("us").to_numpy()
    assert (np.diff(times) >= 0).all()
    assert (known >= times).all()
    assert times.min() >= START
    assert known.max() < END
    assert 0.005 < (known > times).mean() < 0.05  # late_share is 0.02


def test_no_event_precedes_its_item_or_its_user():
    rows = TABLES.interactions.join(TABLES.items, on="item_id").join(TABLES.users, on="user_id")
    assert rows.filter(pl.col("timestamp") < pl.col("created_at")).is_empty()
    assert rows.filter(pl.col("timestamp") < pl.col("signed_up_at")).is_empty()


def test_items_arrive_over_time_and_the_new_ones_are_chosen_too():
    new = TABLES.items.filter(pl.col("created_at").dt.epoch("us") >= START)
    assert new.height == pytest.approx(PARAMS.new_item_share * PARAMS.n_items, abs=1)
    chosen = new.join(TABLES.interactions, on="item_id", how="semi")
    assert chosen.height > new.height / 2


def test_an_import_keeps_the_truth_beside_the_tables(tmp_path):
    import_source("simulator", None, small(3).model_dump(), tmp_path / "raw", False, None)
    assert pl.read_parquet(tmp_path / "raw" / "interactions.parquet").equals(TABLES.interactions)
    again = Truth.from_table(pl.read_parquet(tmp_path / "raw" / "truth" / "params.parquet"))
    assert again.bots == truth(PARAMS).bots
    users = pl.read_parquet(tmp_path / "raw" / "truth" / "users.parquet")
    assert users.filter(pl.col("is_bot")).get_column("user_id").sort().to_list() == again.bots
    assert (tmp_path / "raw" / "exposures.parquet").is_file()


def test_several_kinds_of_events_and_only_likes_carry_stars():
    kinds = TABLES.interactions.group_by("event").agg(pl.col("value").count().alias("valued"), pl.len().alias("n"))
    found = {row["event"]: row for row in kinds.to_dicts()}
    assert set(found) == {"view", "finish", "like"}
    assert found["view"]["n"] > found["finish"]["n"] > found["like"]["n"]
    assert found["view"]["valued"] == found["finish"]["valued"] == 0
    stars = TABLES.interactions.filter(pl.col("event") == "like").get_column("value")
    assert set(stars.unique()) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert stars.null_count() == 0


def test_people_choose_an_item_once():
    bots = truth(PARAMS).bots
    views = TABLES.interactions.filter((pl.col("event") == "view") & ~pl.col("user_id").is_in(bots))
    assert views.select("user_id", "item_id").is_duplicated().sum() == 0


def test_impressions_become_rows_only_when_asked_for():
    asked = read(small(3, impressions=True))
    shown = asked.interactions.filter(pl.col("event") == "impression")
    ignored = asked.extras["exposures"].filter(~pl.col("clicked"))
    assert 0 < shown.height <= ignored.height
    assert "impression" not in TABLES.interactions.get_column("event").unique()


def test_without_exposures_the_interactions_are_the_same():
    lean = read(small(3, exposures=False))
    assert "exposures" not in lean.extras
    assert lean.interactions.equals(TABLES.interactions)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_user": 5},
        {"drift": 2},
        {"home_uniform": 0},
        {"home_uniform": 0.6, "home_genre": 0.6},
        {"impressions": True, "exposures": False},
        {"start": "2025-01-01T00:00:00"},
    ],
)
def test_params_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        Params.model_validate(wrong)
