"""Validation: runs the suites with Great Expectations and says yes, or no with rule, count and examples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from features.errors import RefusedError
from features.fields import EARLIEST_EVENT
from features.validation import dataset_rules as volume
from features.validation import expectations
from features.validation import profile as measures
from features.validation.context import N_EXAMPLES, add_checkpoints, open_new_context, run_suite, seal_context
from features.validation.profile import Profile, Tables
from features.validation.project_rules import (
    check_expectation_names,
    check_project_rules,
    check_titles,
    check_warnings,
    with_severities,
)
from features.validation.results import Finding
from features.validation.rules import Rule

Suites = dict[str, tuple[pl.DataFrame, list[Rule]]]


@dataclass(frozen=True)
class Validation:
    """All findings in the order of the suites, and the profile of the data."""

    findings: tuple[Finding, ...]
    profile: Profile

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Findings that stop the pipeline."""
        return tuple(finding for finding in self.findings if not finding.passed and not finding.only_warns)

    @property
    def warned(self) -> tuple[Finding, ...]:
        """Findings that are reported and stop nothing."""
        return tuple(finding for finding in self.findings if not finding.passed and finding.only_warns)

    def report(self) -> dict[str, Any]:
        """validation.json: the verdict, what was counted, and every rule by name."""
        return {
            "accepted": not self.failed,
            "n_rules": len(self.findings),
            "n_failed": len(self.failed),
            "n_warnings": len(self.warned),
            "warnings": [finding.sentence() for finding in self.warned],
            "profile": self.profile,
            "rules": {finding.rule.title: finding.report() for finding in self.findings},
        }

    def refuse(self, source: str, docs: str) -> None:
        """Stops the pipeline when a rule failed.

        Raises:
            RefusedError: names each failed rule with its count and up to three examples.
        """
        if self.failed:
            lines = [f"{source}: {len(self.failed)} of {len(self.findings)} rules failed, the data is not accepted"]
            lines += [f"- {finding.sentence()}" for finding in self.failed]
            raise RefusedError("\n".join([*lines, f"All rules with their numbers: {docs}"]))


def validate(
    tables: Tables,
    params: expectations.Params,
    accepted: Profile,
    *,
    artificial_time: bool = False,
    goes_on: bool = False,
    docs: Path | None = None,
    context: Path | None = None,
) -> Validation:
    """Runs every suite that the tables allow, writes Data Docs into `docs` and the context itself into `context`.

    `accepted`: the profile of the data accepted last, {} for none. `goes_on`: see `interactions_frame`. `context`: a
    folder relative to the project, so that notebooks there can open it; None keeps nothing. A table without its columns
    fails the schema suite, and nothing else can be asked of the data then.

    Raises:
        UserError: `validate.rules` or `validate.warnings` name what is not there.
    """
    suites: Suites = {"schema": (measures.schema_frame(tables), expectations.schema_rules())}
    now: Any = params.now or datetime(1970, 1, 1, tzinfo=UTC)
    profile: Profile = {}
    words: dict[str, str] = {}
    if len(measures.sound(tables)) == len(tables):
        now = (
            params.now or tables["interactions"].select(pl.max_horizontal(pl.col("timestamp", "known_at").max())).item()
        )
        now = now or datetime(1970, 1, 1, tzinfo=UTC)
        rows = measures.interactions_frame(
            tables,
            burst_rows_per_minute=params.burst_rows_per_minute,
            silence_days=params.silence_days,
            goes_on=goes_on,
            since=datetime.fromisoformat(accepted["first_event"]) if accepted.get("first_event") else None,
        )
        profile = measures.profile(tables, rows, artificial_time=artificial_time)
        whole, words = measures.whole_frame(profile, accepted, now)
        frames = {
            "interactions": rows,
            "items": measures.items_frame(tables["items"]),
            "users": measures.users_frame(tables["users"]),
            "relations": measures.relations_frame(tables),
            "item_vectors": measures.vectors_frame(tables),
            "whole": whole,
        }
        rules_of = _rules(params, accepted, now)
        suites |= {name: (frame, rules_of[name]) for name, frame in frames.items()}
        suites = _with_project_rules(suites, tables, params)
    if artificial_time:
        suites = {
            name: (frame, [rule for rule in rules if not rule.reads_time]) for name, (frame, rules) in suites.items()
        }
    suites = {name: suite for name, suite in suites.items() if suite[0].height}
    with TemporaryDirectory() as scratch:
        findings = _run(suites, words, now, docs, context or Path(scratch) / "gx")
    return Validation(findings, profile)


def _with_project_rules(suites: Suites, tables: Tables, params: expectations.Params) -> Suites:
    """The suites with the rules of `validate.rules` and the severities of `validate.warnings`."""
    check_project_rules(params.rules, tables)
    check_expectation_names(params.rules)
    titles = _titles(params)
    check_titles(titles)
    check_warnings(params.warnings, titles)
    extended: Suites = {}
    for name, (frame, rules) in suites.items():
        added = [entry for entry in params.rules if entry.table == name]
        columns = {column for entry in added for column in entry.columns} - set(frame.columns)
        frame = frame.with_columns(tables[name].get_column(column) for column in sorted(columns))
        extended[name] = (frame, with_severities(rules + [entry.rule() for entry in added], params.warnings))
    return extended


def _rules(params: expectations.Params, accepted: Profile, now: datetime) -> dict[str, list[Rule]]:
    """The built-in rules of each suite that looks at the tables' content."""
    return {
        "interactions": expectations.interaction_rules(params, now),
        "items": expectations.item_rules(params),
        "users": expectations.user_rules(),
        "relations": expectations.relation_rules(params),
        "item_vectors": expectations.vector_rules(params),
        "whole": volume.whole_rules(params, accepted),
    }


def _titles(params: expectations.Params) -> list[str]:
    """Titles of all rules that there can be, whatever the data and the params."""
    every = params.model_copy(update={"now": EARLIEST_EVENT, "value_min": 0.0, "events": params.events or []})
    built_in = _rules(every, {"n_rows": 1}, EARLIEST_EVENT).values()
    rules = [*expectations.schema_rules(), *chain.from_iterable(built_in), *(entry.rule() for entry in params.rules)]
    return [rule.title for rule in rules]


def _run(suites: Suites, words: dict[str, str], now: datetime, docs: Path | None, folder: Path) -> tuple[Finding, ...]:
    """Every rule of every suite through Great Expectations, in a new context in `folder`."""
    context = open_new_context(folder)
    findings: list[Finding] = []
    for name, (frame, rules) in suites.items():
        result = run_suite(context, folder, name, frame, rules, now)
        by_name = {outcome.expectation_config.meta["rule"]: outcome for outcome in result.results}
        findings += [_finding(rule, by_name[rule.name], frame, words) for rule in rules]
    if docs is not None:
        from features.validation.data_docs import write_docs

        write_docs(context, docs, tuple(findings), now)
    add_checkpoints(context)
    seal_context(folder)
    return tuple(findings)


def _finding(rule: Rule, outcome: Any, frame: pl.DataFrame, words: dict[str, str]) -> Finding:
    """A rule's result; Great Expectations keeps its own errors in exception_info and goes on."""
    error = _error(outcome.exception_info)
    result = outcome.result or {}
    if error is not None:
        return Finding(rule, False, frame.height, 0, (), error)
    success = bool(outcome.success)
    if "unexpected_count" not in result:  # of the column as a whole: a mean, a number of distinct values
        return Finding(rule, success, 1, int(not success), (f"observed value {result.get('observed_value')}",))
    n_checked = int(result.get("element_count", 0)) - int(result.get("missing_count") or 0)
    rows = result.get("partial_unexpected_index_list") or []
    examples = tuple(_example(rule, frame, int(row), words) for row in rows[:N_EXAMPLES])
    return Finding(rule, success, n_checked, int(result["unexpected_count"]), examples)


def _error(info: Any) -> str | None:
    """The first error in an exception_info, which is flat or one entry a metric."""
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [entry for entry in entries if isinstance(entry, dict) and entry.get("raised_exception")]
    return " ".join(str(raised[0].get("exception_message")).split()) if raised else None


def _example(rule: Rule, frame: pl.DataFrame, row: int, words: dict[str, str]) -> str:
    """A broken row in words: the columns that the rule shows."""
    if rule.suite == "whole":
        return words[rule.shows[0]]
    values = frame.row(row, named=True)
    shown = {name: values[name] for name in rule.shows}
    return ", ".join(
        f"{name} {value.isoformat() if isinstance(value, datetime) else repr(value)}" for name, value in shown.items()
    )
