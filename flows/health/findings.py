"""Findings: one fact about the set-up each, how grave it is, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from features.errors import RefusedError, UserError

Level = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One fact. level: `ok`; `note`: worth knowing, nothing fails by it; `wrong`: a command fails or will fail by it.

    remedy: what to do, as an imperative; empty where nothing is to be done.
    """

    area: str
    level: Level
    what: str
    remedy: str = ""


def gathered(area: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of one check; what it cannot find out is a finding too, so that the others are still asked."""
    try:
        yield from check()
    except (UserError, RefusedError) as error:
        yield Finding(area, "wrong", str(error))
    except Exception as error:  # whatever a library made of a broken set-up
        reason = " ".join(str(error).split()) or type(error).__name__
        yield Finding(area, "wrong", f"could not be checked: {type(error).__name__}: {reason}")
