"""Mistakes: what is wrong in a project's files, in a paragraph each; all of them are reported together."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 100


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    where: file, and line and column where there are any; what: what was found and what was expected; remedy: what to
    do, as an imperative.
    """

    where: str
    what: str
    remedy: str

    @property
    def paragraph(self) -> str:
        """The mistake as it is printed: the place on a line of its own, then what and remedy."""
        text = f"{_sentence(self.what.rstrip('.'))}. {_sentence(self.remedy)}"
        lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        return "\n".join([self.where, *(f"  {line}" for line in lines)])


def _sentence(text: str) -> str:
    """Begins with a capital, unless its first word is the name of a param."""
    return text if "." in text.split(" ")[0] else f"{text[0].upper()}{text[1:]}"


def report(mistakes: Sequence[Mistake]) -> str:
    """All mistakes, and that nothing was run because of them."""
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return "\n\n".join([f"{count} to correct; nothing was run.", *(mistake.paragraph for mistake in mistakes)])


def nearest(name: object, names: Iterable[str]) -> str | None:
    """The name that was probably meant; None when none is close."""
    close = difflib.get_close_matches(str(name), list(names), n=1, cutoff=0.6)
    return close[0] if close else None


def rename(name: object, names: Iterable[str], otherwise: str) -> str:
    """The remedy for a name that does not exist: the one that was probably meant, and all there are."""
    names = sorted(names)
    guess = nearest(name, names)
    listed = f"there are {', '.join(names)}" if names else "there are none"
    return f"did you mean '{guess}'? {listed[0].upper()}{listed[1:]}." if guess else f"{otherwise}; {listed}."
