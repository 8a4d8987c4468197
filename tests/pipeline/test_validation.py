"""Validation finds every kind of planted fault, counts it exactly, and names rule and examples."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import RefusedError, UserError
from features.schema import INTERACTIONS, ITEM_VECTORS, ITEMS, RELATIONS, USERS
from features.table import type_of_time
from features.validation.expectations import Params
from features.validation.profile import Profile, Tables
from features.validation.results import Finding
from features.validation.validate import Validation, validate

start = datetime(2024, 1, 1, tzinfo=UTC)
n_rows = 400


def good() -> Tables:
    """A sound shop: 400 interactions, one an hour; row n is of user n % 40 (of 40) with item n % 50 (of 50)."""
    times = [start + timedelta(hours=n) for n in range(n_rows)]
    interactions = pl.DataFrame(
        {
            "user_id": [f"u{n % 40}" for n in range(n_rows)],
            "item_id": [f"i{n % 50}" for n in range(n_rows)],
            "timestamp": times,
            "event": ["rating" if n % 2 else "view" for n in range(n_rows)],
            "value": [float(n % 5 + 1) if n % 2 else None for n in range(n_rows)],
            "known_at": times,
        },
        schema=dict(INTERACTIONS.columns),
    )
    items = pl.DataFrame(
        {
            "item_id": [f"i{n}" for n in range(50)],
            "title": [f"Item {n}" for n in range(50)],
            "description": [None] * 50,
            "tags": [["a", "b"]] * 50,
            "category": ["c"] * 50,
            "price": [float(n) for n in range(50)],
            "created_at": [start - timedelta(days=1)] * 50,
        },
        schema=dict(ITEMS.columns),
    )
    users = pl.DataFrame({"user_id": [f"u{n}" for n in range(40)]}, schema=dict(USERS.columns))
    relations = pl.DataFrame(
        {"user_id": [f"u{n}" for n in range(20)], "friend_id": [f"u{n + 20}" for n in range(20)]},
        schema=dict(RELATIONS.columns),
    )
    vectors = pl.DataFrame(
        {"item_id": [f"i{n}" for n in range(30)], "modality": ["image"] * 30, "vector": [[0.0, 1.0]] * 30},
        schema=dict(ITEM_VECTORS.columns),
    )
    return {
        "interactions": interactions, "items": items, "users": users, "relations": relations, "item_vectors": vectors,
    }  # fmt: skip


def at_rows(name: str, column: str, rows: range, value: Any) -> Callable[[Tables], Tables]:
    """A fault: one value in some rows of a column."""

    def plant(tables: Tables) -> Tables:
        frame = tables[name].with_row_index("_row")
        bad = pl.lit(value, dtype=frame.schema[column])
        here = pl.col("_row").is_in(list(rows))
        changed = frame.with_columns(pl.when(here).then(bad).otherwise(pl.col(column)).alias(column)).drop("_row")
        return {**tables, name: changed}

    return plant


def again(name: str, n: int) -> Callable[[Tables], Tables]:
    """A fault: the first n rows a second time."""
    return lambda tables: {**tables, name: pl.concat([tables[name], tables[name].head(n)])}


def shifted(column: str, n: int, by: timedelta) -> Callable[[Tables], Tables]:
    """A fault: the first n interactions have a time moved."""

    def plant(tables: Tables) -> Tables:
        rows = tables["interactions"].with_row_index("_row")
        moved = pl.when(pl.col("_row") < n).then(pl.col(column) + by).otherwise(pl.col(column))
        return {**tables, "interactions": rows.with_columns(moved.alias(column)).drop("_row")}

    return plant


def crowd(tables: Tables) -> Tables:
    """A fault: 60 more rows, all of user u1 within the first minute (the only other row of that minute is u0's)."""
    seconds = pl.Series([start + timedelta(seconds=n) for n in range(60)], dtype=type_of_time)
    rows = tables["interactions"].head(60)
    rows = rows.with_columns(user_id=pl.lit("u1"), timestamp=seconds, known_at=seconds)
    return {**tables, "interactions": pl.concat([tables["interactions"], rows])}


now_2026 = Params(now=datetime(2026, 1, 1, tzinfo=UTC), stale_days=1000)
strict = Params(unknown_item_share=0.01, unknown_user_share=0.01, duplicate_share=0.01)

FAULTS: dict[str, tuple[Callable[[Tables], Tables], Params, int, str]] = {
    # rule: (fault, params, broken rows, what an example shows)
    "interactions.user_id_is_there": (at_rows("interactions", "user_id", range(7), None), Params(), 7, "row 0"),
    "interactions.item_id_is_an_id": (at_rows("interactions", "item_id", range(3), "a\tb"), Params(), 3, "'a\\tb'"),
    "interactions.user_id_is_an_id": (at_rows("interactions", "user_id", range(2), " u0"), Params(), 2, "' u0'"),
    "interactions.event_is_a_name": (at_rows("interactions", "event", range(3), "x" * 129), Params(), 3, "event 'xxx"),
    "interactions.value_is_a_number": (at_rows("interactions", "value", range(9), math.inf), Params(), 9, "value inf"),
    "interactions.value_in_range": (
        at_rows("interactions", "value", range(2), 11.0), Params(value_min=1, value_max=5), 2, "value 11.0",
    ),
    "interactions.event_is_named": (
        at_rows("interactions", "event", range(4), "veiw"), Params(events=["view", "rating"]), 4, "event 'veiw'",
    ),
    "interactions.timestamp_is_possible": (
        shifted("timestamp", 2, timedelta(days=-20_000)), Params(silence_days=1e5), 2, "timestamp 1969-",
    ),
    "interactions.timestamp_is_among_the_others": (
        shifted("timestamp", 3, timedelta(days=4000)), Params(clock_skew_seconds=1e12), 3, "timestamp 2034-",
    ),
    "interactions.known_after_it_happened": (shifted("known_at", 12, timedelta(hours=-3)), Params(), 12, "known_at"),
    "interactions.known_by_now": (shifted("known_at", 5, timedelta(days=900)), now_2026, 5, "known_at 2026-"),
    "interactions.item_exists_when_used": (
        at_rows("items", "created_at", range(10), start + timedelta(days=300)), Params(), 80, "item_id 'i0'",
    ),
    "interactions.item_has_a_row": (at_rows("interactions", "item_id", range(30), "x"), strict, 30, "item_id 'x'"),
    "interactions.user_has_a_row": (at_rows("interactions", "user_id", range(31), "x"), strict, 31, "user_id 'x'"),
    "interactions.row_is_no_duplicate": (again("interactions", 13), strict, 13, "user_id 'u0'"),
    "interactions.row_is_in_no_burst": (crowd, Params(burst_rows_per_minute=50), 60, "user_id 'u1'"),
    "items.key_is_unique": (again("items", 6), Params(), 12, "item_id 'i0'"),
    "items.item_id_is_there": (at_rows("items", "item_id", range(1), None), Params(), 1, "row 0"),
    "items.price_is_possible": (at_rows("items", "price", range(8), -1.0), Params(), 8, "price -1.0"),
    "users.key_is_unique": (again("users", 2), Params(), 4, "user_id 'u0'"),
    "relations.friend_is_known": (at_rows("relations", "friend_id", range(11), "x"), Params(), 11, "friend_id 'x'"),
    "item_vectors.key_is_unique": (again("item_vectors", 5), Params(), 10, "modality 'image'"),
    "item_vectors.length_is_usual": (at_rows("item_vectors", "vector", range(2), [1.0]), Params(), 2, "n_numbers 1"),
    "item_vectors.numbers_are_finite": (
        at_rows("item_vectors", "vector", range(3), [math.nan, 1.0]), Params(), 3, "item_id 'i0'",
    ),
    "whole.data_is_fresh": (
        lambda tables: tables, Params(now=datetime(2024, 6, 1, tzinfo=UTC)), 1, "last event 2024-01-17",
    ),
    "whole.rows_are_enough": (lambda tables: tables, Params(min_rows=1000), 1, "400 interactions"),
}  # fmt: skip


def failed(validation: Validation) -> dict[str, Finding]:
    return {finding.rule.title: finding for finding in validation.failed}


def test_sound_data_is_accepted_with_every_suite_run() -> None:
    validation = validate(good(), Params(), {})
    assert failed(validation) == {}
    suites = {finding.rule.suite for finding in validation.findings}
    assert suites == {"schema", "interactions", "items", "users", "relations", "item_vectors", "whole"}
    validation.refuse("data/tables", "docs")  # says nothing


@pytest.mark.parametrize("rule", sorted(FAULTS))
def test_a_planted_fault_is_counted_exactly(rule: str) -> None:
    plant, params, n_broken, shown = FAULTS[rule]
    validation = validate(plant(good()), params, {})
    assert list(failed(validation)) == [rule]
    finding = failed(validation)[rule]
    assert finding.n_broken == n_broken
    assert 1 <= len(finding.examples) <= 3
    assert shown in finding.examples[0]
    with pytest.raises(RefusedError) as told:
        validation.refuse("data/tables", "data/reports/docs/index.html")
    assert f"{rule}: {n_broken} of " in str(told.value)
    assert shown in str(told.value)
    assert finding.rule.remedy in str(told.value)


def test_faults_below_their_share_are_let_through_and_counted() -> None:
    # 30 of 400 interactions have an unknown item: 7.5 %, half of the rows may
    validation = validate(at_rows("interactions", "item_id", range(30), "x")(good()), Params(), {})
    assert failed(validation) == {}
    assert validation.report()["rules"]["interactions.item_has_a_row"]["n_broken"] == 30
    assert validation.profile["unknown_item_share"] == 0.075


def test_a_missing_or_miscast_column_stops_at_the_schema() -> None:
    tables = good()
    tables["items"] = tables["items"].drop("tags").with_columns(pl.col("price").cast(pl.String))
    validation = validate(tables, Params(), {})
    finding = failed(validation)["schema.columns_have_their_types"]
    assert finding.n_broken == 2
    assert finding.examples[0] == "table 'items', column 'tags', expected 'List(String)', found 'absent'"
    assert len(validation.findings) == 1


def test_what_great_expectations_could_not_check_counts_as_failed(tmp_path: Path) -> None:
    from features.validation.rules import Rule
    from features.validation.validate import _run

    frame = good()["users"].with_row_index("row").with_columns(user_id=pl.lit(1))
    rule = Rule("users", "broken", "Says.", "ExpectColumnValuesToMatchRegex", {"column": "user_id", "regex": "("})
    (finding,) = _run({"users": (frame, [rule])}, {}, start, None, tmp_path / "gx")
    assert not finding.passed
    assert finding.error
    assert "could not be checked" in finding.sentence()


def test_empty_side_tables_ask_nothing() -> None:
    empty = {table.name: table.empty() for table in (ITEMS, USERS, RELATIONS, ITEM_VECTORS)}
    tables = good() | empty
    validation = validate(tables, strict, {})
    assert failed(validation) == {}
    assert {finding.rule.suite for finding in validation.findings} == {"schema", "interactions", "whole"}


def test_without_times_no_rule_reads_them() -> None:
    tables = shifted("timestamp", 400, timedelta(days=-19_700))(crowd(good()))
    params = Params(burst_rows_per_minute=10, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert failed(validate(tables, params, {}, artificial_time=True)) == {}


def test_times_in_a_mistaken_unit_are_all_impossible() -> None:
    # milliseconds read as microseconds: everything in January 1970
    tables = good()
    shrunk = [(pl.col(name).dt.epoch("us") // 1000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC") for name in
              ("timestamp", "known_at")]  # fmt: skip
    tables["interactions"] = tables["interactions"].with_columns(shrunk)
    tables["items"] = tables["items"].with_columns(created_at=pl.lit(None, dtype=type_of_time))
    found = failed(validate(tables, Params(burst_share=1), {}))
    assert list(found) == ["interactions.timestamp_is_possible"]
    assert found["interactions.timestamp_is_possible"].n_broken == n_rows


def accepted() -> Profile:
    return validate(good(), Params(), {}).profile


def test_data_is_compared_with_what_was_accepted_last() -> None:
    before = accepted()
    assert failed(validate(good(), Params(), before)) == {}
    tables = good()
    tables["interactions"] = tables["interactions"].filter(pl.col("event") == "view").head(150)
    tables["items"] = tables["items"].with_columns(title=pl.lit(None, dtype=pl.String))
    found = failed(validate(tables, Params(), before))
    assert set(found) == {
        "whole.rows_against_accepted",
        "whole.users_against_accepted",
        "whole.items_against_accepted",
        "whole.time_goes_on",
        "whole.events_stay",
        "whole.null_value_rise_is_small",
        "whole.null_title_rise_is_small",
    }
    assert found["whole.rows_against_accepted"].examples == ("150 rows, accepted last were 400",)
    assert found["whole.events_stay"].examples == ("gone: ['rating']",)


def test_the_same_rows_many_times_over_are_too_much() -> None:
    before = accepted()
    tables = good()
    times = [
        tables["interactions"].with_columns(pl.col("timestamp", "known_at") + timedelta(minutes=n)) for n in range(11)
    ]
    tables["interactions"] = pl.concat(times)
    assert set(failed(validate(tables, Params(), before))) == {"whole.rows_against_accepted"}


def test_data_docs_are_the_same_for_the_same_data_and_ask_no_network(tmp_path: Path) -> None:
    tables = shifted("known_at", 12, timedelta(hours=-3))(good())
    for folder in ("a", "bb"):
        validate(tables, Params(), {}, docs=tmp_path / folder)
    pages = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert (
        len([page for page in pages if page.suffix == ".html"]) == 15
    )  # index, a page of rules and of results a suite
    for page in pages:
        content = (tmp_path / "a" / page).read_text(encoding="utf-8")
        assert content == (tmp_path / "bb" / page).read_text(encoding="utf-8")
        assert not re.search(r"(src|href)\s*=\s*[\"']?https?:|@import|url\(|<script", content), page
        for target in re.findall(r'(?:href|src)="([^"#]+)"', content):
            assert (tmp_path / "a" / page.parent / target).resolve().is_file(), (page, target)
    index = (tmp_path / "a" / "index.html").read_text(encoding="utf-8")
    assert "not accepted: 1 of" in index
    assert "interactions.known_after_it_happened" in index
    assert sum(path.stat().st_size for path in (tmp_path / "a").rglob("*") if path.is_file()) < 400_000


def test_a_profile_is_told_in_few_numbers() -> None:
    profile = accepted()
    assert (profile["n_rows"], profile["n_users"], profile["n_items"]) == (400, 40, 50)
    assert profile["events"] == {"rating": 200, "view": 200}
    assert profile["first_event"] == "2024-01-01T00:00:00+00:00"
    assert profile["last_event"] == "2024-01-17T15:00:00+00:00"
    assert profile["null_share"]["value"] == 0.5


def test_what_the_event_log_adds_long_after_old_data_is_no_wrong_time():
    rule = "interactions.timestamp_is_among_the_others"
    late = shifted("timestamp", 3, timedelta(days=600))(shifted("known_at", 3, timedelta(days=600))(good()))
    assert set(failed(validate(late, Params(), {}))) == {rule}
    assert failed(validate(late, Params(), {}, goes_on=True)) == {}
    early = shifted("timestamp", 3, timedelta(days=-600))(good())
    assert set(failed(validate(early, Params(), {}, goes_on=True))) == {rule}


def test_a_broken_warning_is_reported_and_stops_nothing() -> None:
    rule = "interactions.row_is_no_duplicate"
    params = Params(duplicate_share=0.01, warnings=[rule])
    validation = validate(again("interactions", 13)(good()), params, {})
    assert failed(validation) == {}
    validation.refuse("data/tables", "docs")
    report = validation.report()
    assert report["accepted"]
    assert (report["n_failed"], report["n_warnings"]) == (0, 1)
    assert report["rules"][rule]["severity"] == "warning"
    assert f"{rule}: 13 of 413 rows" in report["warnings"][0]


def test_items_without_titles_are_warned_about() -> None:
    # 26 of 50 are more than half
    validation = validate(at_rows("items", "title", range(26), None)(good()), Params(), {})
    assert [finding.rule.title for finding in validation.warned] == ["items.title_is_there"]
    assert validation.warned[0].n_broken == 26
    assert validate(at_rows("items", "title", range(25), None)(good()), Params(), {}).warned == ()


def test_a_project_adds_a_rule_by_one_entry_in_its_params() -> None:
    tables = good()
    tables["items"] = tables["items"].with_columns(brand=pl.Series(["acme"] * 40 + [None] * 10))
    entry = {"table": "items", "expectation": "ExpectColumnValuesToNotBeNull", "column": "brand", "mostly": 0.9}
    validation = validate(tables, Params(rules=[entry]), {})
    assert [finding.rule.title for finding in validation.warned] == ["items.column_values_to_not_be_null_brand"]
    assert validation.warned[0].n_broken == 10
    assert "item_id 'i40', brand None" in validation.warned[0].examples[0]
    critical = validate(tables, Params(rules=[entry | {"severity": "critical", "name": "brand_is_there"}]), {})
    assert list(failed(critical)) == ["items.brand_is_there"]


def test_a_projects_rule_may_be_about_a_column_as_a_whole() -> None:
    # odd rows have the values 1 to 5 equally often: their mean is 3
    entry = {"table": "interactions", "expectation": "ExpectColumnMeanToBeBetween", "column": "value", "max_value": 2.5}
    (finding,) = validate(good(), Params(rules=[entry]), {}).warned
    assert (finding.n_checked, finding.n_broken, finding.examples) == (1, 1, ("observed value 3.0",))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        (
            {"rules": [{"table": "items", "expectation": "ExpectColumnValuesToNotBeNull", "column": "prize"}]},
            "params.yaml: validate.rules[0]: table items has no column 'prize'; did you mean 'price'?",
        ),
        (
            {"rules": [{"table": "items", "expectation": "ExpectColumnValueToNotBeNull", "column": "price"}]},
            "did you mean 'ExpectColumnValuesToNotBeNull'?",
        ),
        (
            {"rules": [{"table": "items", "expectation": "ExpectColumnValuesToBeInSet", "column": "price", "set": []}]},
            "rule items.column_values_to_be_in_set_price: ExpectColumnValuesToBeInSet does not take these arguments",
        ),
        (
            {"rules": [{"table": "items", "expectation": "ExpectColumnValuesToBeNull", "column": "tags"}]},
            "column 'tags' holds lists",
        ),
        ({"warnings": ["items.price_is_posible"]}, "no rule 'items.price_is_posible'; did you mean"),
    ],
)
def test_a_mistake_in_the_rules_of_a_project_is_named(params: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as told:
        validate(good(), Params(**params), {})
    assert says in str(told.value)


def test_the_context_is_the_same_for_the_same_data_and_opens_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import great_expectations as gx

    tables = shifted("known_at", 12, timedelta(hours=-3))(good())
    for project in ("a", "bb"):
        (tmp_path / project / "data").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / project)
        validate(tables, Params(), {}, docs=Path("data/docs"), context=Path("data/gx"))
    contents = [
        {path.relative_to(tmp_path / project): path.read_bytes() for path in (tmp_path / project).rglob("*")
         if path.is_file()}
        for project in ("a", "bb")
    ]  # fmt: skip
    assert contents[0] == contents[1]
    assert all(str(tmp_path).encode() not in content for content in contents[0].values())

    context = gx.get_context(mode="file", project_root_dir="data")
    suites = ["interactions", "item_vectors", "items", "relations", "schema", "users", "whole"]
    assert sorted(suite.name for suite in context.suites.all()) == suites
    assert sorted(checkpoint.name for checkpoint in context.checkpoints.all()) == sorted([*suites, "data"])
    assert context.checkpoints.get("items").run().success
    assert not context.checkpoints.get("data").run().success
    broken = [
        result.expectation_config.meta["rule"]
        for outcome in context.checkpoints.get("interactions").run().run_results.values()
        for result in outcome.results
        if not result.success
    ]
    assert broken == ["known_after_it_happened"]
    after = {
        path.relative_to(tmp_path / "bb"): path.read_bytes()
        for path in (tmp_path / "bb").rglob("*")
        if path.is_file() and "uncommitted" not in path.parts
    }
    assert after == contents[1]  # what is run there changes nothing of the stage's output


def test_two_rules_of_one_title_are_refused() -> None:
    entry = {"table": "interactions", "expectation": "ExpectColumnValuesToBeBetween", "column": "value"}
    rules = [entry | {"max_value": 1, "severity": "critical"}, entry | {"max_value": 100}]
    with pytest.raises(UserError, match="two rules are called 'interactions.column_values_to_be_between_value'"):
        validate(good(), Params(rules=rules), {})
    with pytest.raises(UserError, match="two rules are called 'items.title_is_there'"):
        own = {"table": "items", "expectation": "ExpectColumnValuesToNotBeNull", "column": "price"}
        validate(good(), Params(rules=[own | {"name": "title_is_there"}]), {})
