"""Which events count as positive: in histories, in training, as targets of evaluation, and online."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

NEVER_BY_DEFAULT = ("cancel", "not_recommend", "impression")
REFUSALS = ("cancel", "not_recommend", "dislike")  # the user says no: the item is not offered, even if seen ones are


@dataclass(frozen=True)
class Positives:
    """The rule for positive events; a null event is always positive.

    only: the kinds that are positive; None: every kind but `cancel`, `not_recommend`, `impression`.
    """

    only: tuple[str, ...] | None = None

    @classmethod
    def of(cls, targets: Sequence[str] | None) -> Positives:
        """From `evaluate.targets` of params.yaml, or from what `targets` gave."""
        return cls(None if targets is None else tuple(sorted(targets)))

    @property
    def targets(self) -> list[str] | None:
        """The rule as JSON carries it."""
        return None if self.only is None else list(self.only)

    def __contains__(self, event: object) -> bool:
        if event is None:
            return True
        return event not in NEVER_BY_DEFAULT if self.only is None else event in self.only

    def where(self) -> pl.Expr:
        """The same of the rows of a table, by its column `event`."""
        event = pl.col("event")
        if self.only is None:
            return ~event.is_in(NEVER_BY_DEFAULT).fill_null(False)
        return event.is_in(self.only).fill_null(True)


DEFAULT_POSITIVES = Positives()


def refusals_where() -> pl.Expr:
    """Rows in which a user refuses an item, by the column `event`."""
    return pl.col("event").is_in(REFUSALS).fill_null(False)
