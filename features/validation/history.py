"""History of validations: the Data Docs of the newest runs in one folder, and a page that lists them."""

from __future__ import annotations

import html
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.files import write_text
from features.validation.data_docs import STYLE

KEPT = 30
"""Runs in the history; older ones are deleted."""
_SUMMARY = "summary.json"
_STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Run:
    """One validation of the history: its folder, when it ended, and what it found."""

    folder: str
    at: datetime
    accepted: bool
    n_rows: int | None
    broken: tuple[str, ...]
    """Titles of broken rules, warnings included."""


def record_run(docs: Path, report: dict[str, Any], history: Path, at: datetime) -> Path:
    """Copies Data Docs into the history and writes its index.html; returns the run's folder.

    docs: the folder that `validate` wrote; report: validation.json; at: when the run ended, with a time zone.
    """
    folder = history / at.astimezone(UTC).strftime(_STAMP)
    shutil.copytree(docs, folder, dirs_exist_ok=True)
    rules = report["rules"]
    summary = {
        "accepted": report["accepted"],
        "n_rows": report["profile"].get("n_rows"),
        "broken": [title for title in rules if not rules[title]["passed"]],
    }
    write_text(json.dumps(summary, indent=2) + "\n", folder / _SUMMARY)
    runs = read_runs(history)
    for run in runs[KEPT:]:
        shutil.rmtree(history / run.folder, ignore_errors=True)
    write_text(STYLE.read_text(encoding="utf-8"), history / "style.css")
    write_text(_index(runs[:KEPT]), history / "index.html")
    return folder


def read_runs(history: Path) -> list[Run]:
    """The runs of a history, newest first; a folder that was not written to its end is passed over."""
    runs = []
    for path in sorted(history.glob(f"*/{_SUMMARY}"), reverse=True):
        summary = json.loads(path.read_text(encoding="utf-8"))
        at = datetime.strptime(path.parent.name, _STAMP).replace(tzinfo=UTC)
        runs.append(Run(path.parent.name, at, summary["accepted"], summary["n_rows"], tuple(summary["broken"])))
    return runs


def _index(runs: list[Run]) -> str:
    rows = "\n".join(_row(run) for run in runs)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<title>Validations</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<div class="container-fluid">
<h4>Validations of the data, newest first</h4>
<table class="table">
<thead><tr><th></th><th>Validated at (UTC)</th><th>Interactions</th><th>Broken rules</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
"""


def _row(run: Run) -> str:
    warned = "fa-exclamation-triangle text-warning" if run.broken else "fa-check-circle text-success"
    sign = warned if run.accepted else "fa-times text-danger"
    n_rows = "" if run.n_rows is None else f"{run.n_rows:,}"
    broken = html.escape(", ".join(run.broken)) or "none"
    return (
        f'<tr><td><i class="fas {sign}"></i></td><td><a href="{run.folder}/index.html">{run.at:%Y-%m-%d %H:%M:%S}</a>'
        f"</td><td>{n_rows}</td><td>{broken}</td></tr>"
    )
