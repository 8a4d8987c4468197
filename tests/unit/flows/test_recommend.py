"""Batch recommendations as a table: the columns that other programs rely on, and the chances of drawn places."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from features.errors import UserError
from features.privacy.hashed_ids import IdHasher
from features.settings import Settings
from flows.project.dataset import Project
from flows.recommend import Batch, bundle_folder, instant_of, read_users, stored_users, table_of
from models.data.types import Slate

CONTRACT = ["user_id", "item_id", "rank", "score", "reason"]
TOLD = [["liked", "new"], ["known", ""]]


def slate(propensities: list[list[float]] | None) -> Slate:
    """Ada gets c and a; Bo gets b alone."""
    return Slate(
        items=np.array([[2, 0], [1, -1]], dtype=np.int32),
        scores=np.array([[0.5, 0.25], [2.0, 0.0]], dtype=np.float32),
        sources=np.full((2, 2, 1), np.nan, dtype=np.float32),
        retrievers=("popular",),
        propensities=None if propensities is None else np.array(propensities, dtype=np.float32),
    )


def test_a_row_each_item_shown_with_the_columns_of_the_contract_and_no_other():
    table = table_of(slate(None), ["Ada", "Bo"], ["a", "b", "c"], TOLD)
    assert table.columns == CONTRACT
    assert table.rows() == [
        ("Ada", "c", 1, 0.5, "liked"),
        ("Ada", "a", 2, 0.25, "new"),
        ("Bo", "b", 1, 2.0, "known"),
    ]


def test_where_places_are_drawn_each_row_tells_its_chance():
    table = table_of(slate([[1.0, 0.25], [0.5, 1.0]]), ["Ada", "Bo"], ["a", "b", "c"], TOLD)
    assert table.columns == [*CONTRACT, "propensity"]
    assert table.schema["propensity"] == pl.Float64
    assert table["propensity"].to_list() == pytest.approx([1.0, 0.25, 0.5])


def test_the_types_stay_where_nothing_is_shown():
    full, nothing = slate(None), slate(None)
    nothing.items[:] = -1
    tables = [table_of(found, ["Ada", "Bo"], ["a", "b", "c"], TOLD) for found in (full, nothing)]
    assert tables[1].schema == tables[0].schema
    assert tables[1].is_empty()


def test_plain_ids_are_asked_for_by_their_hashes_where_the_data_hold_those(tmp_path):
    hasher = IdHasher("a key of the test, long enough")
    project = Project(tmp_path)
    asked = ["Ann@x.org", hasher("bo")]
    assert stored_users(asked, project, Settings(id_key="")) == {user_id: user_id for user_id in asked}
    project.paths.tables.mkdir(parents=True)
    (project.paths.tables / "source.json").write_text(json.dumps({"id_key": hasher.fingerprint}))
    settings = Settings(id_key="a key of the test, long enough")
    assert stored_users(asked, project, settings) == {hasher("ann@x.org"): "Ann@x.org", hasher("bo"): hasher("bo")}
    with pytest.raises(UserError, match="RECOPS_ID_KEY is not set"):
        stored_users(asked, project, Settings(id_key=""))


def test_users_are_read_as_an_import_reads_them(tmp_path):
    pl.DataFrame({"user_id": [" a ", "a", "b\u3000", None]}).write_parquet(tmp_path / "text.parquet")
    pl.DataFrame({"user_id": [1.0, 2.0, 1.0]}).write_parquet(tmp_path / "numbers.parquet")
    assert read_users(tmp_path / "text.parquet", None) == ["a", "b"]
    assert read_users(tmp_path / "numbers.parquet", None) == ["1", "2"]
    assert read_users(None, " u1 ") == ["u1"]


@pytest.mark.parametrize("user_id", ["", "  ", "NULL", "a\tb", "x" * 513])
def test_what_is_no_id_is_no_user(tmp_path, user_id):
    with pytest.raises(UserError, match="--user: "):
        read_users(None, user_id)
    pl.DataFrame({"user_id": ["a", user_id]}).write_parquet(tmp_path / "users.parquet")
    with pytest.raises(UserError, match=r"users\.parquet: "):
        read_users(tmp_path / "users.parquet", None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.txt", b"\xef\xbb\xbfu1\nu2\n"),
        ("header.txt", b"user_id\nu1\nu2\n"),
        ("UPPER.CSV", b"user_id,since\nu1,2020\nu2,2021\n"),
        ("tabs.tsv", b"user_id\tsince\nu1\t2020\nu2\t2021\n"),
    ],
)
def test_a_file_of_users_may_be_written_in_the_usual_ways(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    assert read_users(path, None) == ["u1", "u2"]


def test_what_cannot_be_asked_for_is_refused_in_words(tmp_path):
    with pytest.raises(UserError, match="nothing is known of so early an instant"):
        instant_of("0001-01-01T00:00:00+14:00", "--at")
    with pytest.raises(UserError, match="not UTF-8 text"):
        read_users(None, "\udcff\udcfe")
    file = tmp_path / "params.yaml"
    file.write_text("profile: quick\n")
    with pytest.raises(UserError, match="there is no such folder"):
        bundle_folder(Project(tmp_path), Settings(), file)
    with pytest.raises(UserError, match="name a file that can be written"):
        Batch(table_of(slate(None), ["Ada", "Bo"], ["a", "b", "c"], TOLD), pl.DataFrame()).write(tmp_path)
