"""The plan by which any ranker scores one query."""

from __future__ import annotations

from models.interfaces import CompilesScores, Scores
from models.single_query.score_plans import AnyScores, ScorePlan


def plan_of(ranker: Scores) -> ScorePlan:
    """A ranker's own plan, or its `score` where it has none."""
    return ranker.score_plan() if isinstance(ranker, CompilesScores) else AnyScores(score=ranker.score)
