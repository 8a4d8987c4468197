"""What a run does with its validation: the history of Data Docs, and a notice of warnings to the webhook."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.settings import Settings
from features.validation.history import record_run
from flows.orchestration.notify import LONGEST_MESSAGE, page_of, post

logger = logging.getLogger(__name__)

HISTORY = "data-docs"
"""Folder below RECOPS_HOME; its index.html lists the validations."""


def record_validation(reports: Path, settings: Settings, since: datetime) -> Path | None:
    """Adds the validation of this run to the history and tells of its warnings; None when there was none.

    reports: data/reports; since: when the run began. It never fails itself: a run's own outcome would be lost.
    """
    docs, report_path = reports / "docs", reports / "validation.json"
    try:
        if not report_path.is_file() or report_path.stat().st_mtime < since.timestamp():
            return None
        report = json.loads(report_path.read_text(encoding="utf-8"))
        ended = datetime.fromtimestamp(report_path.stat().st_mtime, UTC)
        folder = record_run(docs, report, settings.home / HISTORY, ended)
    except (OSError, ValueError, KeyError) as error:
        logger.warning("the history of validations was not written: %s", error)
        return None
    _notify_warnings(report, settings)
    return folder


def _notify_warnings(report: dict[str, Any], settings: Settings) -> None:
    """Posts the warnings of accepted data; data that is refused fails the run, which is told of anyway."""
    from prefect.context import FlowRunContext

    url = settings.webhook_url.get_secret_value()
    if not url or not report["accepted"] or not report["warnings"]:
        return
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    post(
        url,
        {
            "flow": "train",
            "run": str(run.name) if run else None,
            "run_id": str(run.id) if run else None,
            "state": "Warning",
            "message": " ".join(report["warnings"])[:LONGEST_MESSAGE],
            "url": page_of(run.id) if run else None,
        },
    )
