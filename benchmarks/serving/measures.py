"""What a load showed, in numbers, and the lines that print them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.serving.generator import Sent

OK = 200


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One load. Latencies in ms, of the answers with 200; an answer that never came counts as infinitely late.

    per_second: answers with 200; errors: by status (0: the connection broke, "unanswered": none came in time);
    processor_ms: of the whole service, a request; late_ms: by how much the generator missed its own instants (p99).
    """

    name: str
    planned: float | None
    per_second: float
    p50: float
    p95: float
    p99: float
    p999: float
    worst: float
    processor_ms: float
    late_ms: float
    errors: dict[str, int]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def measure(
    name: str, sent: Sent, processor_s: float, planned: float | None = None, kind: str | None = None
) -> Measure:
    """The measure of a load, or of its requests of one kind."""
    chosen = [n for n, sent_kind in enumerate(sent.kinds) if kind in (None, sent_kind)]
    good = sorted(sent.ms[n] for n in chosen if sent.statuses[n] == OK)
    errors = Counter(str(sent.statuses[n]) for n in chosen if sent.statuses[n] != OK)
    if sent.unanswered and kind is None:
        errors["unanswered"] = sent.unanswered
        good += [math.inf] * sent.unanswered
    n_answered = sum(1 for latency in good if latency < math.inf)
    return Measure(
        name=name,
        planned=planned,
        per_second=n_answered / sent.seconds,
        p50=percentile(good, 0.5),
        p95=percentile(good, 0.95),
        p99=percentile(good, 0.99),
        p999=percentile(good, 0.999),
        worst=good[-1] if good else math.nan,
        processor_ms=processor_s * 1000 / max(1, len(sent.ms)),
        late_ms=percentile(sorted(sent.late_ms), 0.99),
        errors=dict(errors),
    )


def percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that at least this share does not exceed; NaN of nothing."""
    if not ascending:
        return math.nan
    return ascending[max(0, math.ceil(len(ascending) * share) - 1)]


HEAD = (
    f"{'':<44}{'asked':>8}{'answered':>10}{'p50':>9}{'p95':>9}{'p99':>9}{'p99.9':>9}{'worst':>9}{'CPU':>9}{'late':>7}"
    f"\n{'':<44}{'/s':>8}{'/s':>10}{'ms':>9}{'ms':>9}{'ms':>9}{'ms':>9}{'ms':>9}{'ms/req':>9}{'ms':>7}"
)


def line(result: Measure) -> str:
    """One line under HEAD; errors at its end."""
    asked = "closed" if result.planned is None else f"{result.planned:.0f}"
    times = "".join(f"{value:>9.1f}" for value in (result.p50, result.p95, result.p99, result.p999, result.worst))
    errors = "" if not result.errors else f"   errors {result.errors}"
    late = "" if math.isnan(result.late_ms) else f"{result.late_ms:.1f}"
    return f"{result.name:<44}{asked:>8}{result.per_second:>10.1f}{times}{result.processor_ms:>9.2f}{late:>7}{errors}"
