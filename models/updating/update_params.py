"""Params of updates: section `update` of params.yaml."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Params(BaseModel):
    """What an update learns again, and how it is judged. None of it is read by a stage."""

    model_config = ConfigDict(extra="forbid")

    keep: list[str] = ["als", "cold_items", "text"]
    """Retrievers that stay as the release has them; all others learn again. Name here what takes too long."""
    warm_rows: int = Field(default=30_000, ge=1)
    """Rows that a retriever with a warm start goes on with, those of the users who acted last; time grows with them."""
    overrides: dict[str, dict[str, Any]] = {"sequence": {"refit_epochs": 1}}
    """Params of retrievers that an update fits with in place of the release's."""
    judge_hours: float = Field(default=24, gt=0)
    """Events of the last so many hours are asked before they are learned; more judge on older habits."""
    blocks: int = Field(default=2, ge=1)
    """Parts of that time; what is judged learns all that precedes each. More judge fresher parts and cost a fit."""
    judge_events: int = Field(default=1000, ge=1)
    """Events asked at most, a seeded sample of them; more are steadier and slower."""
    least_events: int = Field(default=200, ge=2)
    """With fewer events nothing is released: the next update has more."""
    margin: float = Field(default=0.05, gt=0, lt=1)
    """The loss of NDCG@10, relative to the live release's, that does not matter; smaller needs more events."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Of the two-sided intervals."""
    bootstrap: int = Field(default=1000, ge=100)
    """Paired resamples of users behind the interval."""
    seed: int = Field(default=1, ge=0)
    """Of the sample and of the resampling."""
