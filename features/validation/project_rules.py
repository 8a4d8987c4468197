"""Rules that a project adds in params.yaml: any expectation of Great Expectations on a column of the tables."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from features.errors import UserError
from features.validation.rules import Rule, Severity, columns_of

KEYS = {
    "interactions": ("user_id", "item_id", "timestamp"),
    "items": ("item_id",),
    "users": ("user_id",),
    "relations": ("user_id", "friend_id"),
    "item_vectors": ("item_id", "modality"),
}


class ProjectRule(BaseModel):
    """One entry of `validate.rules`; keys that are not listed here are the expectation's own arguments.

    Example: `{table: items, expectation: ExpectColumnValuesToNotBeNull, column: price, mostly: 0.9}`.
    """

    model_config = ConfigDict(extra="allow")

    table: Literal["interactions", "items", "users", "relations", "item_vectors"]
    expectation: str
    """Class of great_expectations.expectations."""
    name: str | None = None
    """Second part of the rule's title; null: the expectation and its column."""
    severity: Severity = "warning"
    """critical: a broken rule stops the pipeline."""
    says: str | None = None
    """The rule in a sentence; null: the expectation and its arguments."""
    remedy: str = "correct the rows at their source, or change the rule in validate.rules"

    @property
    def columns(self) -> list[str]:
        """Columns of the table that the expectation reads."""
        return columns_of(self.model_extra or {})

    def rule(self) -> Rule:
        """The entry as the validation runs it."""
        arguments: dict[str, Any] = dict(self.model_extra or {})
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", self.expectation).lower().removeprefix("expect_")
        name = self.name or "_".join([words, *self.columns])
        says = (
            self.says or f"{self.expectation} of {', '.join(f'{key} {arguments[key]}' for key in sorted(arguments))}."
        )
        shows = tuple(dict.fromkeys([*KEYS[self.table], *self.columns]))
        return Rule(self.table, name, says, self.expectation, arguments, self.remedy, shows, self.severity)


def check_project_rules(rules: list[ProjectRule], tables: dict[str, pl.DataFrame]) -> None:
    """Finds entries that cannot be asked of these tables.

    Raises:
        UserError: a column that the table lacks, or that holds lists.
    """
    for number, entry in enumerate(rules):
        frame = tables[entry.table]
        for column in entry.columns:
            where = f"params.yaml: validate.rules[{number}]: table {entry.table}"
            if column not in frame.columns:
                raise UserError(f"{where} has no column '{column}'{_hint(column, frame.columns)}")
            if isinstance(frame.schema[column], pl.List):
                raise UserError(f"{where}: column '{column}' holds lists, which expectations cannot read")


def check_titles(titles: list[str]) -> None:
    """Finds a title that two rules have: results are told apart by it.

    Raises:
        UserError: names the title.
    """
    for title in titles:
        if titles.count(title) > 1:
            raise UserError(
                f"params.yaml: validate.rules: two rules are called '{title}'; give yours a `name` of its own"
            )


def check_expectation_names(rules: list[ProjectRule]) -> None:
    """Finds entries that name no expectation.

    Raises:
        UserError: names the entry and the nearest name.
    """
    if not rules:
        return
    from great_expectations import expectations

    names = [name for name in dir(expectations) if name.startswith("Expect") and name != "Expectation"]
    for number, entry in enumerate(rules):
        if entry.expectation not in names:
            raise UserError(
                f"params.yaml: validate.rules[{number}]: Great Expectations has no '{entry.expectation}'"
                f"{_hint(entry.expectation, names)}"
            )


def with_severities(rules: list[Rule], warnings: list[str]) -> list[Rule]:
    """The rules, those that `validate.warnings` names as warnings."""
    return [replace(rule, severity="warning") if rule.title in warnings else rule for rule in rules]


def check_warnings(warnings: list[str], titles: list[str]) -> None:
    """Finds titles in `validate.warnings` that no rule has.

    Raises:
        UserError: names the title and the nearest one.
    """
    for title in warnings:
        if title not in titles:
            raise UserError(f"params.yaml: validate.warnings: no rule '{title}'{_hint(title, titles)}")


def _hint(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, 1, 0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; there are {sorted(words)}"
