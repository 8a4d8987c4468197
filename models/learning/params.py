"""Params of learning between releases: section `learn`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Params(BaseModel):
    """Params of learning between releases; they hold for the releases that are made with them."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = False
    """true: what is additive (popularity, counts of item_knn, markov and graph) learns from each event at once."""
    max_pairs: int = Field(default=1_000_000, ge=1)
    """A user whose events would add to more pairs of items than this teaches a retriever no more than the release's
    data say; greater learns from heavier users and costs time for each of their events."""
    every_s: float = Field(default=5.0, gt=0)
    """A learned form is made at most so often, and not before four times the time the last one took [s]: shorter
    answers to events sooner and takes more processor time."""
