"""Rules: what an expectation says, how Great Expectations checks it, and the few shapes that rules have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from features.fields import ID_PATTERN, MAX_ID

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Rule:
    """One expectation: its suite, name, sentence, Great Expectations class with arguments, and the remedy.

    A broken critical rule stops the pipeline; a broken warning is reported, and the pipeline goes on.
    """

    suite: str
    name: str
    says: str
    expectation: str
    arguments: dict[str, Any]
    remedy: str = "correct the rows at their source and import again"
    shows: tuple[str, ...] = field(default=())
    """Columns that an example names."""
    severity: Severity = "critical"
    reads_time: bool = False
    """Has no meaning where time is artificial."""

    @property
    def title(self) -> str:
        """Suite and name, as messages and validation.json call the rule."""
        return f"{self.suite}.{self.name}"

    @property
    def at_most(self) -> float:
        """Share of rows that may break the rule."""
        return round(1.0 - float(self.arguments.get("mostly", 1.0)), 6)


def columns_of(arguments: Mapping[str, Any]) -> list[str]:
    """Columns that an expectation with these arguments reads."""
    named = [arguments[name] for name in ("column", "column_A", "column_B") if name in arguments]
    listed = arguments.get("column_list", [])
    return [str(column) for column in [*named, *(listed if isinstance(listed, list) else [listed])]]


def expect_not_null(suite: str, column: str, shows: tuple[str, ...]) -> Rule:
    """No nulls in a column."""
    return Rule(suite, f"{column}_is_there", f"Every row has its {column}.", "ExpectColumnValuesToNotBeNull",
                {"column": column}, shows=("row", *shows))  # fmt: skip


def expect_id(suite: str, column: str, shows: tuple[str, ...]) -> Rule:
    """No id that a door would refuse (features/fields.py)."""
    says = (
        f"Every {column} is an id: 1 to {MAX_ID} characters, no blanks around it, no control characters, no null word."
    )
    return Rule(suite, f"{column}_is_an_id", says, "ExpectColumnValuesToMatchRegex",
                {"column": column, "regex": ID_PATTERN}, shows=shows)  # fmt: skip


def unique(suite: str, key: tuple[str, ...]) -> Rule:
    """No key twice."""
    says = f"No two rows of {suite} have the same {' and '.join(key)}."
    remedy = f"keep one row for each {' and '.join(key)}"
    if len(key) == 1:
        return Rule(
            suite, "key_is_unique", says, "ExpectColumnValuesToBeUnique", {"column": key[0]}, remedy, ("row", *key)
        )
    return Rule(suite, "key_is_unique", says, "ExpectCompoundColumnsToBeUnique", {"column_list": list(key)}, remedy,
                ("row", *key))  # fmt: skip


def expect_true(
    name: str,
    says: str,
    column: str,
    at_most: float,
    remedy: str,
    shows: tuple[str, ...],
    suite: str = "interactions",
    *,
    reads_time: bool = False,
) -> Rule:
    """True in a computed column (features/validation/profile.py), but for a share of the rows."""
    arguments = {"column": column, "value_set": [True], "mostly": 1.0 - at_most}
    says = with_share(says, at_most)
    return Rule(suite, name, says, "ExpectColumnValuesToBeInSet", arguments, remedy, shows, "critical", reads_time)


def expect_between(
    name: str,
    says: str,
    column: str,
    low: float | datetime | None,
    high: float | datetime | None,
    shows: tuple[str, ...],
    at_most: float = 0.0,
    remedy: str = "",
    *,
    reads_time: bool = False,
) -> Rule:
    """A number or an instant of an interaction within bounds (None: open)."""
    arguments = {"column": column, "min_value": low, "max_value": high, "mostly": 1.0 - at_most}
    says = with_share(says, at_most)
    return Rule(
        "interactions",
        name,
        says,
        "ExpectColumnValuesToBeBetween",
        arguments,
        remedy,
        shows,
        reads_time=reads_time,
    )


def expect_dataset(
    name: str, says: str, column: str, low: float | None, high: float | None, remedy: str, *, reads_time: bool = False
) -> Rule:
    """A measure of all data within bounds (None: open)."""
    arguments = {"column": column, "min_value": low, "max_value": high}
    return Rule(
        "whole", name, says, "ExpectColumnValuesToBeBetween", arguments, remedy, (column,), reads_time=reads_time
    )


def with_share(says: str, at_most: float) -> str:
    """A rule's sentence with the share of rows that may break it."""
    return says if at_most == 0 else f"{says} At most {100 * at_most:g} % of the rows may differ."


def open_end(bound: float | None) -> str:
    """A bound as text."""
    return "anything" if bound is None else f"{bound:g}"
