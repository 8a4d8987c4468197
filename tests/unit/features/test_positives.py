"""Which events are positive: one rule for tables, for single events and for what params.yaml says."""

from __future__ import annotations

import polars as pl
import pytest

from features.errors import UserError
from features.params import positives
from features.positives import DEFAULT_POSITIVES, Positives

EVENTS = ["click", "cancel", "impression", "not_recommend", "purchase", None]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (DEFAULT_POSITIVES, ["click", "purchase", None]),
        (Positives.of(["purchase"]), ["purchase", None]),
        (Positives.of(["cancel", "click"]), ["click", "cancel", None]),
    ],
)
def test_tables_and_single_events_follow_the_same_rule(rule, expected):
    rows = pl.DataFrame({"event": EVENTS}, schema={"event": pl.String})
    assert rows.filter(rule.where()).get_column("event").to_list() == expected
    assert [event for event in EVENTS if event in rule] == expected


def test_a_kind_that_the_data_do_not_know_yet_is_positive_only_by_the_usual_rule():
    assert "swipe" in DEFAULT_POSITIVES
    assert "swipe" not in Positives.of(["purchase"])


def test_the_rule_travels_as_json_and_back():
    for rule in (DEFAULT_POSITIVES, Positives.of(["b", "a"])):
        assert Positives.of(rule.targets) == rule


def test_params_give_the_rule_and_a_readable_error(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("evaluate: {targets: [purchase]}\n")
    assert positives(path) == Positives(("purchase",))
    path.write_text("evaluate: {k: [10]}\n")
    assert positives(path) == DEFAULT_POSITIVES
    for wrong in ("purchase", "[]", "[1]"):
        path.write_text(f"evaluate: {{targets: {wrong}}}\n")
        with pytest.raises(UserError, match=r"params.yaml: evaluate.targets is .* such as \[purchase\]"):
            positives(path)
