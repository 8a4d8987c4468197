"""What `recops ask` prints: the estimate before, what was paid after."""

from __future__ import annotations

from collections.abc import Iterator

from flows.asking.ask import Asked
from flows.asking.open_questions import Open, totals
from models.language.wire import LanguageServer


def estimate_lines(opened: Open, server: LanguageServer | None) -> Iterator[str]:
    """A line for each part, and one for all."""
    sums = totals(opened, server)
    for part, (n, tokens_in, tokens_out, price) in sums.items():
        yield f"{part}: {n:,} questions, about {tokens_in:,} tokens to read and {tokens_out:,} to write{_cost(price)}"
    n, price = len(opened.questions), sum(one[3] for one in sums.values())
    n_tokens = sum(one[1] + one[2] for one in sums.values())
    yield f"{n:,} questions in all, about {n_tokens:,} tokens{_cost(price)}; {opened.n_answered:,} are answered already"


def asked_lines(asked: Asked) -> Iterator[str]:
    """What was answered, what was refused, what is left."""
    for part in sorted({*asked.valid, *asked.refused}):
        yield f"{part}: {asked.valid[part]:,} answered, {asked.refused[part]:,} refused (local text instead)"
    yield f"{asked.n_answered:,} answers for {asked.tokens:,} tokens{_cost(asked.cost)} in {asked.seconds:.0f} s"
    if asked.n_left:
        yield f"{asked.n_left:,} questions are left: {asked.stopped}; the next call asks them"


def _cost(price: float) -> str:
    return f", {price:.4f} of money" if price else ""
