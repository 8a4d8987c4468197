"""Validation: runs the suites with Great Expectations and says yes, or no with rule, count and examples."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import RefusedError
from features.validation import dataset_rules as volume
from features.validation import expectations
from features.validation import profile as measures
from features.validation.profile import Profile, Tables
from features.validation.results import Finding
from features.validation.rules import Rule

_examples = 3


@dataclass(frozen=True)
class Validation:
    """All findings in the order of the suites, and the profile of the data."""

    findings: tuple[Finding, ...]
    profile: Profile

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Findings that stop the pipeline."""
        return tuple(finding for finding in self.findings if not finding.passed)

    def report(self) -> dict[str, Any]:
        """validation.json: the verdict, what was counted, and every rule by name."""
        return {
            "accepted": not self.failed,
            "n_rules": len(self.findings),
            "n_failed": len(self.failed),
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
) -> Validation:
    """Runs every suite that the tables allow and writes Data Docs into `docs`.

    `accepted`: the profile of the data accepted last, {} for none. `goes_on`: see `interactions_frame`. A table without
    its columns fails the schema suite, and nothing else can be asked of the data then.
    """
    suites: dict[str, tuple[pl.DataFrame, list[Rule]]] = {
        "schema": (measures.schema_frame(tables), expectations.schema_rules())
    }
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
            now,
            burst_rows_per_minute=params.burst_rows_per_minute,
            silence_days=params.silence_days,
            goes_on=goes_on,
            since=datetime.fromisoformat(accepted["first_event"]) if accepted.get("first_event") else None,
        )
        profile = measures.profile(tables, rows, artificial_time=artificial_time)
        whole, words = measures.whole_frame(profile, accepted, now)
        suites |= {
            "interactions": (rows, expectations.interaction_rules(params, now)),
            "items": (measures.items_frame(tables["items"]), expectations.item_rules(params)),
            "users": (measures.users_frame(tables["users"]), expectations.user_rules()),
            "relations": (measures.relations_frame(tables), expectations.relation_rules(params)),
            "item_vectors": (measures.vectors_frame(tables), expectations.vector_rules(params)),
            "whole": (whole, volume.whole_rules(params, accepted)),
        }
    if artificial_time:
        suites = {
            name: (frame, [rule for rule in rules if not _reads_time(rule)]) for name, (frame, rules) in suites.items()
        }
    asked = {name: suite for name, suite in suites.items() if suite[0].height}
    findings = _run(asked, words, now, docs)
    return Validation(findings, profile)


def _reads_time(rule: Rule) -> bool:
    return rule.arguments.get("column") in measures.TIMED


def _run(
    suites: dict[str, tuple[pl.DataFrame, list[Rule]]], words: dict[str, str], now: datetime, docs: Path | None
) -> tuple[Finding, ...]:
    """Every rule of every suite through Great Expectations; the run's time is that of the data, never the clock."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # sets its own
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("tables")
    run = RunIdentifier(run_name="data", run_time=now)
    findings: list[Finding] = []
    for name, (frame, rules) in suites.items():
        asked = [
            getattr(gxe, rule.expectation)(**rule.arguments, description=rule.says, meta={"rule": rule.name})
            for rule in rules
        ]
        suite = context.suites.add(gx.ExpectationSuite(name, expectations=asked))
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all rows")
        definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
        result = definition.run(
            batch_parameters={"dataframe": _pandas(frame, rules)},
            result_format={
                "result_format": "SUMMARY",
                "partial_unexpected_count": _examples,  # rows by their number: named columns cost 30 s a million
            },
            run_id=run,
        )
        by_name = {found.expectation_config.meta["rule"]: found for found in result.results}
        findings += [_finding(rule, by_name[rule.name], frame, words) for rule in rules]
    if docs is not None:
        from features.validation.data_docs import write_docs

        write_docs(context, docs, tuple(findings), now)
    return tuple(findings)


def _pandas(frame: pl.DataFrame, rules: list[Rule]) -> Any:
    """The columns that the rules ask for, for Great Expectations; its index is the number of the row."""
    asked: set[str] = set()
    for rule in rules:
        for argument in ("column", "column_A", "column_B"):
            asked |= {rule.arguments[argument]} if argument in rule.arguments else set()
        asked |= set(rule.arguments.get("column_list", ()))
    return frame.select(name for name in frame.columns if name in asked).to_pandas()


def _finding(rule: Rule, found: Any, frame: pl.DataFrame, words: dict[str, str]) -> Finding:
    """A rule's result; Great Expectations keeps its own errors in exception_info and goes on."""
    error = _error(found.exception_info)
    result = found.result or {}
    if error is not None:
        return Finding(rule, False, frame.height, 0, (), error)
    n_checked = int(result.get("element_count", 0)) - int(result.get("missing_count") or 0)
    places = result.get("partial_unexpected_index_list") or []
    examples = tuple(_example(rule, frame, int(place), words) for place in places[:_examples])
    return Finding(rule, bool(found.success), n_checked, int(result.get("unexpected_count", 0)), examples)


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
