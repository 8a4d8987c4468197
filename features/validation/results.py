"""Finding: what came of one rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from features.validation.rules import Rule


@dataclass(frozen=True)
class Finding:
    """What came of one rule. `error` tells why it could not be checked (which counts as failed)."""

    rule: Rule
    passed: bool
    n_checked: int
    n_broken: int
    examples: tuple[str, ...]
    error: str | None = None

    @property
    def only_warns(self) -> bool:
        """Whether a broken rule is reported and stops nothing."""
        return self.rule.severity == "warning"

    def sentence(self) -> str:
        """Rule, count, examples and remedy, for people."""
        if self.error is not None:
            return f"{self.rule.title} could not be checked: {self.error}; {self.rule.remedy}"
        share = 100 * self.n_broken / max(self.n_checked, 1)
        examples = "; ".join(self.examples)
        what = "measures" if self.rule.suite == "whole" else "rows"
        return (
            f"{self.rule.title}: {self.n_broken} of {self.n_checked} {what} ({share:.3g} %, at most "
            f"{100 * self.rule.at_most:g} %) break the rule '{self.rule.says}'; e.g. {examples}; {self.rule.remedy}"
        )

    def report(self) -> dict[str, Any]:
        """What validation.json keeps."""
        report: dict[str, Any] = {
            "passed": self.passed,
            "severity": self.rule.severity,
            "n_checked": self.n_checked,
            "n_broken": self.n_broken,
            "at_most": self.rule.at_most,
        }
        if not self.passed:
            report |= {"says": self.rule.says, "examples": list(self.examples), "error": self.error}
        return report
