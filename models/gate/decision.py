"""The decision of the gate: non-inferiority and superiority of the challenger by paired intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.gate.checks import Check, Judged, Result, compare
from models.gate.wording import difference_in_words, number, people

Verdict = Literal["superior", "not_worse", "not_superior", "worse", "unclear", "too_few"]


class Params(BaseModel):
    """When a challenger is promoted: it passes the primary metric and every guard."""

    model_config = ConfigDict(extra="forbid")

    require: Literal["not_worse", "superior"] = "not_worse"
    """`not_worse`: shown not to lose more than the margins; `superior`: besides, shown to win in `metric`."""
    metric: str = "ndcg@10"
    """The primary metric."""
    segment: str = "warm"
    """The queries on which it is judged."""
    margin: float = Field(0.05, gt=0, lt=1)
    """Loss in the primary metric, relative to the champion, that does not matter; a smaller one needs more queries."""
    min_queries: int = Field(100, ge=2)
    """With fewer test queries nothing is promoted."""
    guards: list[Check] = [
        Check(metric="recall@10", margin=0.05),
        Check(metric="ndcg@10", segment="new_users", margin=0.2),
        Check(metric="ndcg@10", segment="history_3", margin=0.3, min_queries=200),
        Check(metric="coverage@10", margin=0.3),
        Check(metric="pop_lift@10", margin=0.3),
    ]
    """What a gain in the primary metric must not cost; a guard with too few queries is skipped and named."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Of the two-sided intervals; equal models are called superior in at most half of the rest."""
    bootstrap: int = Field(2000, ge=100)
    """Paired resamples of users behind each check."""
    seed: int = Field(1, ge=0)
    """Of the resampling."""

    def checks(self) -> list[Check]:
        """The primary check, then the guards."""
        primary = Check(metric=self.metric, segment=self.segment, margin=self.margin, min_queries=self.min_queries)
        return [primary, *self.guards]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The verdict: promote or not, in one word, in sentences, with every check's figures (the primary first)."""

    promote: bool
    verdict: Verdict
    reasons: list[str]
    results: list[Result]
    champion: str
    notes: tuple[str, ...] = ()
    """What the reader should know of what was judged."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON: no NaN, no infinity, bounds rounded where their last digits mean nothing."""
        checks = [
            {_KEYS.get(name, name): _plain(value) for name, value in asdict(result).items()} | {"passed": result.passed}
            for result in self.results
        ]
        return {
            "promote": self.promote,
            "verdict": self.verdict,
            "champion": self.champion,
            "reasons": self.reasons,
            "notes": list(self.notes),
            "checks": checks,
        }

    def as_markdown(self) -> str:
        """The decision in markdown: heading, reasons, table of checks."""
        heads = ["check", "queries", "challenger", self.champion, "difference", "interval", "margin", "outcome"]
        lines = [f"# {'Promoted' if self.promote else 'Refused'}: {self.verdict.replace('_', ' ')}", ""]
        lines += [f"- {sentence}" for sentence in (*self.reasons, *self.notes)]
        lines += ["", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
        for result in self.results:
            value, low, high = difference_in_words(astuple(result.relative), astuple(result.difference))
            cells = [
                f"{result.metric} · {people(result.segment)}",
                f"{result.n_queries:,}",
                number(result.challenger),
                number(result.champion),
                value,
                f"{low} … {high}",
                f"{result.margin * 100:g} %",
                result.outcome.replace("_", " "),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"


_KEYS = {"segment": "slice"}  # as decision.json and the column of per_query.parquet have it


def decide(
    challenger: Judged,
    champion: Judged,
    checks: Sequence[Check],
    *,
    require: Literal["not_worse", "superior"] = "not_worse",
    n_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 1,
    notes: Sequence[str] = (),
) -> Decision:
    """The first check is the primary one, the others are guards.

    All must pass (an intersection-union test: many checks do not raise the chance of a wrong promotion). A guard with
    too few queries is reported but does not fail; a primary metric with too few queries does.
    """
    results = [
        compare(check, challenger, champion, n_resamples=n_resamples, confidence=confidence, seed=seed)
        for check in checks
    ]
    primary, guards = results[0], results[1:]
    verdict: Verdict
    failed = [result for result in guards if not result.passed and result.outcome != "too_few"]
    if not primary.passed:
        verdict = primary.outcome
    elif failed:
        verdict = "worse" if any(result.outcome == "worse" for result in failed) else "unclear"
    elif require == "superior" and primary.outcome != "superior":
        verdict = "not_superior"
    else:
        verdict = primary.outcome
    promote = verdict in ("superior", "not_worse")
    return Decision(
        promote=promote,
        verdict=verdict,
        reasons=[_summary(verdict, primary, failed, champion.name), *_sentences(results)],
        results=results,
        champion=champion.name,
        notes=tuple(notes),
    )


def _summary(verdict: Verdict, primary: Result, failed: Sequence[Result], champion: str) -> str:
    metric = primary.metric
    if verdict == "too_few":
        return (
            f"Refused: {primary.n_queries:,} test queries are too few to judge {metric}; bring more data, "
            "or lower decide.min_queries and live with chance."
        )
    if verdict == "superior":
        return f"Promoted: better than {champion} in {metric}, and no guard stands against it."
    if verdict == "not_worse":
        return f"Promoted: not worse than {champion} in {metric}, and no guard stands against it."
    if verdict == "not_superior":
        return f"Refused: not worse than {champion} in {metric}, but decide.require is superior and that was not shown."
    names = ", ".join(f"{result.metric} of {people(result.segment)}" for result in failed)
    if not primary.passed:
        shown = "worse than" if verdict == "worse" else "not shown to hold its own against"
        return f"Refused: {shown} {champion} in {metric}{f'; nor do these pass: {names}' if failed else ''}."
    return f"Refused: {metric} would do, but not {names}."


def _sentences(results: Sequence[Result]) -> list[str]:
    primary, *guards = results
    passed_over = [result for result in guards if result.outcome == "too_few"]
    judged = [result.sentence for result in guards if result.outcome != "too_few"]
    return [primary.sentence, *judged, *(f"Not judged: {result.sentence}" for result in passed_over)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
