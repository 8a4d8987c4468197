"""Origin of the report: the data, the test period, the bundle and its champion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from models.reports.page.html import text


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Names and figures of what was judged.

    source: where the data come from (`recops data sources`); first_event, last_event, test_cut: ISO-8601, None where
    the data have no times (test_cut also where each user has its own); bundle_hash, champion_hash: of the bundles,
    champion_hash None where the champion is the built-in popular; release: the live release, None where
    there was none or its name is not known.
    """

    source: str
    n_rows: int
    n_users: int
    n_items: int
    first_event: str | None
    last_event: str | None
    test_cut: str | None
    bundle_hash: str
    champion_hash: str | None
    release: str | None


def what_was_judged(origin: Origin, champion: str) -> str:
    """The facts as pairs of a name and a value; champion: what the page calls it."""
    pairs = "".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in _facts(origin, champion)
    )
    return f'<dl class="facts">\n{pairs}\n</dl>'


def _facts(origin: Origin, champion: str) -> Iterator[tuple[str, str]]:
    yield "Data", "the simulated world" if origin.source == "simulator" else origin.source
    yield "Rows", f"{origin.n_rows:,} from {origin.n_users:,} users on {origin.n_items:,} items"
    if origin.first_event and origin.last_event:
        yield "Dates", f"{day(origin.first_event)} to {day(origin.last_event)}"
    else:
        yield "Dates", "none; the data have an order only"
    if origin.test_cut:
        yield "Judged on", f"choices after {minute(origin.test_cut)} UTC, which the recommender did not know"
    else:
        yield "Judged on", "the last choice of each user, which the recommender did not know"
    yield "Bundle", origin.bundle_hash
    if origin.champion_hash is None:
        yield "Compared with", f"{champion}{f', in place of release {origin.release}' if origin.release else ''}"
    else:
        name = f"release {origin.release}, bundle " if origin.release else "bundle "
        yield "Compared with", f"{name}{origin.champion_hash}"


def day(instant: str) -> str:
    """2026-03-01 as 1 March 2026."""
    moment = datetime.fromisoformat(instant)
    return f"{moment.day} {moment:%B %Y}"


def minute(instant: str) -> str:
    """2026-03-01T07:05:00+00:00 as 1 March 2026, 07:05."""
    return f"{day(instant)}, {datetime.fromisoformat(instant):%H:%M}"
