"""Importing into data/raw: replaced whole or not at all; --append and exported events add rows exactly once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import features.importing.raw_folder
from features.errors import ContractError, UserError
from features.importing.importer import append_events, import_source, sources_table
from features.importing.raw_folder import read_raw
from features.schema import INTERACTIONS
from features.sources import SOURCES

S = 1_600_000_000
WHEN = datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
FIRST = f"user_id,item_id,timestamp\n1,a,{S}\n2,b,{S + 1}\n"
ITEMS = "item_id,title\na,Apple\nb,Bread\n"


def _files(root: Path, interactions: str, items: str | None = ITEMS) -> Path:
    root.mkdir(exist_ok=True)
    (root / "interactions.csv").write_text(interactions)
    (root / "items.csv").unlink(missing_ok=True)
    if items:
        (root / "items.csv").write_text(items)
    return root


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    target = tmp_path / "data" / "raw"
    import_source("csv", _files(tmp_path / "in", FIRST), {}, target, False, None)
    return target


def _events(*rows: tuple[str, str]) -> pl.DataFrame:
    at = [WHEN + timedelta(days=n) for n in range(len(rows))]
    return pl.DataFrame(
        {
            "user_id": [user for user, _ in rows],
            "item_id": [item for _, item in rows],
            "timestamp": at,
            "event": ["click"] * len(rows),
            "value": [None] * len(rows),
            "known_at": at,
        },
        schema=dict(INTERACTIONS.columns),
    )


def test_every_source_is_listed_and_can_be_found() -> None:
    assert [name for name, _ in sources_table()] == list(SOURCES)
    assert {
        "movielens",
        "goodbooks",
        "amazon",
        "mind",
        "recbole",
        "parquet",
        "csv",
        "simulator",
        "shopify",
        "woocommerce",
    } == set(SOURCES)


def test_an_import_writes_every_table_and_what_it_did(raw: Path) -> None:
    names = ["interactions", "item_vectors", "items", "quarantine", "relations", "users"]
    assert sorted(path.name for path in raw.iterdir()) == sorted(
        [*(f"{name}.parquet" for name in names), "source.json"]
    )
    said = json.loads((raw / "source.json").read_text())
    assert (said["source"], said["n_rows"], said["artificial_time"], said["events_through"]) == ("csv", 2, False, 0)
    assert str(raw.parent.parent) not in (raw / "source.json").read_text()
    tables = read_raw(raw)
    assert tables.interactions["item_id"].to_list() == ["a", "b"]
    assert tables.users.is_empty()


def test_the_same_import_gives_the_same_bytes(tmp_path: Path, raw: Path) -> None:
    before = _bytes(raw)
    import_source("csv", tmp_path / "in", {}, raw, False, None)
    assert _bytes(raw) == before
    import_source("csv", tmp_path / "in", {}, tmp_path / "another" / "longer" / "raw", False, None)
    assert _bytes(tmp_path / "another" / "longer" / "raw") == before


def test_a_failed_import_changes_nothing(tmp_path: Path, raw: Path) -> None:
    before = _bytes(raw)
    for append in (False, True):
        with pytest.raises(UserError):
            import_source("csv", _files(tmp_path / "in", "user,thing\n1,2\n"), {}, raw, append, None)
    assert _bytes(raw) == before
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]


def test_a_crash_while_writing_leaves_the_old_tables(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _bytes(raw)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(features.importing.raw_folder, "_write_sidecar", crash)
    with pytest.raises(KeyboardInterrupt):
        import_source("csv", _files(tmp_path / "in", FIRST + f"3,a,{S}\n"), {}, raw, False, None)
    assert _bytes(raw) == before


def test_what_a_killed_import_left_behind_is_cleared(tmp_path: Path, raw: Path) -> None:
    before = _bytes(raw)
    raw.rename(raw.with_name(".raw.old"))  # killed between the two renames of a system without exchange
    left = raw.with_name(".raw.4194999.tmp")
    left.mkdir()
    with pytest.raises(UserError):
        import_source("csv", tmp_path / "nowhere", {}, raw, False, None)
    assert _bytes(raw) == before
    assert not left.exists()


def test_the_folder_is_replaced_where_the_system_cannot_exchange(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features.importing.raw_folder, "_exchange", lambda *_: False)
    import_source("csv", _files(tmp_path / "in", FIRST + f"3,a,{S}\n", None), {}, raw, False, None)
    assert read_raw(raw).interactions.height == 3
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]


def test_append_adds_rows_once_and_newer_items_replace_older(tmp_path: Path, raw: Path) -> None:
    append_events(raw, _events(("9", "a")), 17)
    more = _files(tmp_path / "in", FIRST + f"1,a,{S + 9}\n", "item_id,title,color\nb,Brown bread,brown\nc,Corn,\n")
    report = import_source("csv", more, {}, raw, True, None)
    assert (report.n_new, report.n_rows) == (1, 4)
    again = import_source("csv", more, {}, raw, True, None)
    assert (again.n_new, again.n_rows) == (0, 4)
    tables = read_raw(raw)
    assert tables.items.select("item_id", "title", "color").sort("item_id").rows() == [
        ("a", "Apple", None),
        ("b", "Brown bread", "brown"),
        ("c", "Corn", None),
    ]
    said = json.loads((raw / "source.json").read_text())
    assert (said["events_through"], said["source"], said["appended"]) == (17, "csv", ["csv", "csv"])


def test_append_needs_something_to_add_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="import once without --append"):
        import_source("csv", _files(tmp_path / "in", FIRST), {}, tmp_path / "data" / "raw", True, None)


def test_rows_without_times_come_after_rows_without_times_and_never_among_times(tmp_path: Path, raw: Path) -> None:
    orders = _files(tmp_path / "orders", "user_id,item_id\n1,a\n2,b\n", None)
    with pytest.raises(UserError, match="give the new rows a timestamp"):
        import_source("csv", orders, {}, raw, True, None)
    import_source("csv", orders, {}, raw, False, None)
    import_source("csv", _files(tmp_path / "more", "user_id,item_id\n3,a\n4,b\n", None), {}, raw, True, None)
    tables = read_raw(raw)
    assert tables.artificial_time
    assert [at.second for at in tables.interactions["timestamp"]] == [0, 1, 2, 3]


def test_events_are_added_exactly_once_by_their_watermark(raw: Path) -> None:
    assert append_events(raw, _events(("7", "a"), ("8", "zz")), 5).interactions.height == 2
    assert append_events(raw, _events(("7", "a"), ("8", "zz")), 5).interactions.height == 0
    assert append_events(raw, _events(("7", "a")), 4).interactions.height == 0
    with pytest.raises(UserError, match="export again from the watermark"):
        append_events(raw, _events(("7", "b")), 9, after=4)
    assert append_events(raw, _events(("7", "b")), 9, after=5).interactions.height == 1
    tables = read_raw(raw)
    assert tables.interactions["item_id"].to_list() == ["a", "b", "a", "zz", "b"]
    assert tables.items.height == 2
    assert json.loads((raw / "source.json").read_text())["events_through"] == 9


def test_events_move_the_watermark_even_when_none_became_a_row(raw: Path) -> None:
    assert append_events(raw, INTERACTIONS.empty(), 3).interactions.height == 0
    assert json.loads((raw / "source.json").read_text())["events_through"] == 3


def test_events_need_imported_tables(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="run `recops data import SOURCE`"):
        append_events(tmp_path / "raw", _events(("1", "a")), 1)


def test_without_a_path_the_data_cache_is_searched(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "ml-1m").mkdir(parents=True)  # a folder without MovieLens files is passed over
    (cache / "ml-100k" / "ml-100k").mkdir(parents=True)
    (cache / "ml-100k" / "ml-100k" / "u.data").write_text(f"1\ta\t5\t{S}\n")
    report = import_source("movielens", None, {}, tmp_path / "data" / "raw", False, cache)
    assert report.n_rows == 1
    with pytest.raises(UserError, match=r"goodbooks: no --path and RECOPS_DATA_CACHE .* has none of .*github.com"):
        import_source("goodbooks", None, {}, tmp_path / "data" / "raw", False, cache)


def test_the_report_tells_people_what_they_ought_to_know(tmp_path: Path, raw: Path) -> None:
    rows = FIRST + "".join(f"{n},a,{S}\n" for n in range(50)) + f"1,a,never\n1,zz,{S}\n"
    # 54 rows: one cannot be read, and `1,a` at S comes twice
    text = import_source("csv", _files(tmp_path / "in", rows), {}, raw, False, None).text()
    assert text.startswith(
        "imported csv: 52 interactions · 50 users with interactions · 3 items with interactions · 2 items"
    )
    assert "1 unreadable rows in quarantine" in text
    assert "line 54 of interactions.csv, column 'timestamp'" in text
    assert "warning: 1 items of 1 interactions have no row in items (e.g. 'zz')" in text


def test_the_simulated_world_can_be_made_solid(tmp_path: Path) -> None:
    raw = tmp_path / "data" / "raw"
    report = import_source("simulator", None, {"n_users": 30, "n_items": 100, "days": 10}, raw, False, None)
    assert report.n_rows == read_raw(raw).interactions.height > 0
    with pytest.raises(UserError, match="reads no files"):
        import_source("simulator", tmp_path, {}, raw, False, None)
