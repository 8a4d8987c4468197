"""Flow `gc`: room for new releases. Removes what is neither live, nor the release before, nor pinned."""

from __future__ import annotations

import logging
from pathlib import Path

from features.settings import Settings
from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.pages.artifacts import publish_lines
from flows.orchestration.restarts import enforce_restart_limit
from flows.project.dag import project_root
from flows.project.dataset import Project
from flows.releasing.gc import gc

logger = logging.getLogger("flows.collect_garbage")  # Prefect loads this file by its path, under another __name__


@recops_task(name="collect")
def collect(settings: Settings, project: Project, dry_run: bool) -> list[str]:
    """A line for each thing that went, or would go."""
    return gc(settings, project, dry_run=dry_run)


@recops_flow(name="gc")
def gc_flow(root: str | None = None, dry_run: bool = False) -> list[str]:
    """Removes old releases, their Bentos and online namespaces; the same as `recops gc`.

    root: the project folder, the current one by default; dry_run: only says what would go.
    """
    enforce_restart_limit()
    project = Project(project_root(Path(root) if root else Path.cwd()))
    lines: list[str] = collect(Settings(), project, dry_run)
    for line in lines:
        logger.info("%s: %s", "would remove" if dry_run else "removed", line)
    publish_lines("removed", lines or ["nothing to remove"], "what would go" if dry_run else "what went")
    return lines


if __name__ == "__main__":
    main(gc_flow)
