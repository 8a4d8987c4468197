"""Flow `rating`: every rater of params.yaml fitted, blended and judged; the same as `recops evaluate --task rating`."""

from __future__ import annotations

from pathlib import Path

from flows.orchestration.decorators import main, recops_flow, recops_task
from flows.orchestration.pages.artifacts import publish_text
from flows.orchestration.restarts import enforce_restart_limit
from flows.project.dag import project_root
from flows.project.dataset import Project
from flows.rating.judge_raters import evaluate_ratings


@recops_task(name="judge_raters")
def judge_raters(project: Project) -> str:
    """The tables of all splits as text."""
    return evaluate_ratings(project)


@recops_flow(name="rating")
def rating_flow(root: str | None = None) -> str:
    """How well values (stars) are predicted: the tables of all splits as text.

    root: the project folder, the current one by default.
    """
    enforce_restart_limit()
    text = judge_raters(Project(project_root(Path(root) if root else Path.cwd())))
    publish_text("ratings", text, "raters judged on held-out values")
    return text


if __name__ == "__main__":
    main(rating_flow)
