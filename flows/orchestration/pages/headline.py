"""The headline of a run: the verdict, the primary metric against the champion with its interval, where to read on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPORT, DATA_DOCS = "report.html", "docs/index.html"


def headline_text(reports: Path, ran: Sequence[str], base_url: str) -> str:
    """Markdown of a few lines that a person reads first.

    reports: data/reports; ran: names of the stages that ran; base_url: of the reports' server, "" without one.
    """
    verdict, metric, others = _verdict(reports)
    return "\n\n".join(filter(None, [verdict, metric, _links(reports, base_url), others, _stages(ran)])) + "\n"


def page_url(base_url: str, page: str) -> str | None:
    """Address of a page below data/reports; None without a server for them."""
    return f"{base_url.rstrip('/')}/{page}" if base_url else None


def _verdict(reports: Path) -> tuple[str, str, str]:
    """What the gate decided, the primary metric against the champion, and the other checks."""
    path = reports / "decision.json"
    if not path.is_file():
        return "# Not judged yet", "This run ended before the stage `decide`.", ""
    decision: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    reasons = [str(reason) for reason in decision.get("reasons") or []]
    verdict = reasons[0] if reasons else ("Promoted." if decision["promote"] else "Not promoted.")
    return f"# {verdict}", "".join(reasons[1:2]), "\n".join(f"- {reason}" for reason in reasons[2:])


def _links(reports: Path, base_url: str) -> str:
    """Links to the pages that are there; their paths where no server for them is named."""
    pages = [
        (title, page) for title, page in (("Report", REPORT), ("Data Docs", DATA_DOCS)) if (reports / page).is_file()
    ]
    if not pages:
        return ""
    if base_url:
        return " · ".join(f"[{title}]({page_url(base_url, page)})" for title, page in pages)
    paths = ", ".join(f"{title} `data/reports/{page}`" for title, page in pages)
    return f"{paths} (links: set `RECOPS_REPORTS_URL`, docs/operate.md)"


def _stages(ran: Sequence[str]) -> str:
    if not ran:
        return "No stage ran: everything was up to date."
    return f"{len(ran)} stage{'s' if len(ran) > 1 else ''} ran: {', '.join(ran)}."
