"""Choices of the test part that are not judged, since lists offer only what a user has not met: how many, and why."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.positives import Positives

PAIR = ["user_id", "item_id"]
LARGE_SHARE = 0.3  # of all choices, from which on a verdict says so


@dataclass(frozen=True)
class LeftOut:
    """n_choices: distinct users and items of the test part's positive events; n_repeated: of these, chosen before by
    the same user; n_met: met before by an event that is not positive, mostly of the kind `met_by`."""

    n_choices: int
    n_repeated: int
    n_met: int
    met_by: str | None

    def sentence(self) -> str | None:
        """Why choices are left out, when they are many; else None."""
        n_left_out = self.n_repeated + self.n_met
        if not n_left_out or n_left_out < LARGE_SHARE * self.n_choices:
            return None
        reasons = []
        if self.n_repeated:
            reasons.append(f"{self.n_repeated:,} repeat an earlier choice of the same user")
        if self.n_met:
            by = f" (mostly {self.met_by!r})" if self.met_by else ""
            reasons.append(f"{self.n_met:,} are of items that the user had met by an event that is no target{by}")
        return (
            f"Left out of judging: {n_left_out:,} of {self.n_choices:,} choices in test "
            f"({n_left_out / self.n_choices:.0%}), of which {' and '.join(reasons)}; lists offer only what a user has "
            f"not met, so this verdict speaks of the other {self.n_choices - n_left_out:,}."
        )


def left_out(history: pl.DataFrame, part: pl.DataFrame, positives: Positives) -> LeftOut:
    """From rows of INTERACTIONS before the test part and in it."""
    chosen = part.filter(positives.where()).select(PAIR).unique()
    past = history.filter(positives.where()).select(PAIR).unique()
    fresh = chosen.join(past, on=PAIR, how="anti")
    met = history.filter(~positives.where() & pl.col("event").ne("impression")).select(*PAIR, "event").unique()
    ways = fresh.join(met, on=PAIR)
    kinds = ways.group_by("event").len("n").sort(["n", "event"], descending=[True, False]).get_column("event").to_list()
    n_met = ways.select(PAIR).n_unique() if ways.height else 0
    return LeftOut(chosen.height, chosen.height - fresh.height, n_met, kinds[0] if kinds else None)
