"""What a simulation saw: counts, latencies, and how good the lists were over time; as text and as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.simulating.crowd import Reaction

N_WINDOWS = 10


@dataclass(frozen=True, kw_only=True)
class Page:
    """One list that was answered: at [s from the start, planned]; ms from that instant to the answer."""

    at: float
    ms: float
    release: str
    n_chosen: int
    n_arrivals: int
    utility: float
    expected: float
    popular: float
    oracle: float
    fallback: str | None


@dataclass(kw_only=True)
class Tally:
    """Everything that was counted. late_ms: how much later than planned the simulation itself was, one entry a list;
    errors: by kind, such as `/events 503`; arrivals: what became of the announced items, by their id."""

    pages: list[Page] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    n_visits: int = 0
    n_requests: int = 0
    n_events: int = 0
    n_duplicates: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    announced: dict[str, float] = field(default_factory=dict)
    first_shown: dict[str, float] = field(default_factory=dict)
    shown: Counter[str] = field(default_factory=Counter)
    chosen: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def add(self, at: float, ms: float, answer: dict[str, Any], item_ids: Sequence[str], reaction: Reaction) -> None:
        """A list and what its reader made of it."""
        new = [
            (item_id, taken) for item_id, taken in zip(item_ids, reaction.chosen, strict=True) if self.is_new(item_id)
        ]
        for item_id, taken in new:
            self.shown[item_id] += 1
            self.chosen[item_id] += int(taken)
            self.first_shown.setdefault(item_id, at + ms / 1000 - self.announced[item_id])
        self.pages.append(
            Page(
                at=at,
                ms=ms,
                release=str(answer["release"]),
                n_chosen=int(reaction.chosen.sum()),
                n_arrivals=len(new),
                utility=reaction.utility,
                expected=reaction.expected,
                popular=reaction.popular,
                oracle=reaction.oracle,
                fallback=answer["fallback"],
            )
        )

    def is_new(self, item_id: str) -> bool:
        return item_id in self.announced

    def windows(self) -> list[dict[str, float]]:
        """Means over the lists of each tenth of the time."""
        if not self.pages:
            return []
        end = max(page.at for page in self.pages) + 1e-9
        windows = []
        for number in range(N_WINDOWS):
            first, last = end * number / N_WINDOWS, end * (number + 1) / N_WINDOWS
            pages = [page for page in self.pages if first <= page.at < last]
            if pages:
                windows.append({"from_s": first, "to_s": last, **_means(pages)})
        return windows

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON holds it."""
        return {**asdict(self), "total": _means(self.pages) if self.pages else {}, "windows": self.windows()}

    def text(self) -> str:
        """What a person reads at the end."""
        lists = sorted(page.ms for page in self.pages)
        errors = ", ".join(f"{kind} {n}" for kind, n in sorted(self.errors.items())) or "none"
        releases = ", ".join(sorted({page.release for page in self.pages})) or "none"
        lines = [
            f"{self.n_visits} visits: {self.n_requests} requests, {len(self.pages)} lists of release {releases}, "
            f"{self.n_events} events recorded, {self.n_duplicates} known before; errors: {errors}",
            f"/recommend, from the planned instant: p50 {_at(lists, 0.5):.1f} ms, p95 {_at(lists, 0.95):.1f} ms, "
            f"p99 {_at(lists, 0.99):.1f} ms; the simulation itself was late by {_at(sorted(self.late_ms), 0.99):.1f} "
            "ms (p99)",
        ]
        fallbacks = Counter(page.fallback for page in self.pages if page.fallback)
        if fallbacks:
            named = ", ".join(f"{name} {n}" for name, n in sorted(fallbacks.items()))
            lines.append(f"lists of a fallback: {named}")
        if self.announced:
            waits = sorted(self.first_shown.values())
            first = f", first after {_at(waits, 0.5):.1f} s (median)" if waits else ""
            lines.append(
                f"{len(self.announced)} new items: {len(waits)} were shown{first}, {self.shown.total()} times in all, "
                f"and chosen {self.chosen.total()} times"
            )
        lines += self.remarks
        lines += ["", _HEAD]
        rows = [*self.windows(), *([{"from_s": 0.0, "to_s": math.nan, **_means(self.pages)}] if self.pages else [])]
        return "\n".join([*lines, *map(_row, rows)])


_HEAD = (
    f"{'seconds':>13}{'lists':>8}{'hit rate':>10}{'chosen':>8}{'utility':>9}{'expected':>10}{'popular':>9}{'oracle':>8}"
    f"{'of oracle':>11}"
)


def _row(row: dict[str, float]) -> str:
    span = "all" if math.isnan(row["to_s"]) else f"{row['from_s']:.0f}-{row['to_s']:.0f}"
    return (
        f"{span:>13}{row['lists']:>8.0f}{row['hit_rate']:>10.3f}{row['chosen']:>8.2f}{row['utility']:>9.2f}"
        f"{row['expected']:>10.2f}{row['popular']:>9.2f}{row['oracle']:>8.2f}{row['of_oracle']:>11.1%}"
    )


def _means(pages: Sequence[Page]) -> dict[str, float]:
    """Of some lists: share with a choice, choices, true utility of the items, choices to be expected of these lists, of
    the popular ones and of the best, and the first of these as a share of the last."""
    n_lists = len(pages)
    expected, oracle = sum(page.expected for page in pages), sum(page.oracle for page in pages)
    return {
        "lists": float(n_lists),
        "hit_rate": sum(page.n_chosen > 0 for page in pages) / n_lists,
        "chosen": sum(page.n_chosen for page in pages) / n_lists,
        "utility": sum(page.utility for page in pages) / n_lists,
        "expected": expected / n_lists,
        "popular": sum(page.popular for page in pages) / n_lists,
        "oracle": oracle / n_lists,
        "of_oracle": expected / oracle if oracle else math.nan,
    }


def _at(ascending: Sequence[float], share: float) -> float:
    """The smallest value that at least this share does not exceed."""
    return ascending[max(0, math.ceil(len(ascending) * share) - 1)] if ascending else math.nan
