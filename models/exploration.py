"""Exploration: some places of a list are drawn, with a known chance, so that logs tell of what is never shown else."""

from __future__ import annotations

import hashlib

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Float64, Int64


class ExploreParams(BaseModel):
    """How many places are drawn, and from what."""

    model_config = ConfigDict(extra="forbid")

    slots: int = Field(default=0, ge=0)
    """Places that are drawn, the last of the first `depth`; each costs accuracy today. 0: none."""
    depth: int = Field(default=10, ge=1)
    """First places that people look at; of a shorter list the last of all its places are drawn."""
    pool: int = Field(default=50, ge=1)
    """Best candidates that may be drawn, without those that keep their place; more learns of more, and costs more."""
    temperature: float | None = Field(default=None, gt=0)
    """Chances are in proportion to exp(score / temperature), with scores from 1 for the best of the pool to 0 for its
    last: lower prefers the better. null: all are equally likely."""


def explore(order: Int64, scores: Float32, params: ExploreParams, key: str) -> tuple[Int64, Float32]:
    """The list with its drawn places, and the chance of each place's item given the places above it.

    order: (n_shown,) places of candidates as the reranker would show them; scores: (n_candidates,) best first. Draws
    are without replacement (Plackett-Luce); a place that is not drawn has the chance 1. The product of all chances is
    the list's, which is what weighs a logged list (Horvitz & Thompson 1952, doi:10.1080/01621459.1952.10483446).
    The same key draws the same, whatever the length of the list beyond `depth`.
    """
    n_places = min(params.depth, len(order))
    n_slots = min(params.slots, n_places)
    chances = np.ones(len(order), dtype=np.float32)
    if not n_slots:
        return order, chances
    kept = order[: n_places - n_slots]
    free = np.ones(len(scores), dtype=np.bool_)
    free[kept] = False
    pool = np.flatnonzero(free)[: max(params.pool, n_slots)]
    weights = _weights(scores[pool], params.temperature)
    drawn: list[int] = []
    for slot, number in enumerate(uniforms(key, n_slots)):
        ends = np.cumsum(weights)
        index = int(np.searchsorted(ends, number * ends[-1], side="right"))
        index = min(index, int(np.flatnonzero(weights)[-1]))  # rounding of the sum may leave the last one out
        chances[len(kept) + slot] = weights[index] / ends[-1]
        drawn.append(int(pool[index]))
        weights[index] = 0.0
    shown = np.concatenate([kept, np.array(drawn, dtype=np.int64)])
    left = np.ones(len(scores), dtype=np.bool_)
    left[shown] = False
    rest = order[left[order]]
    return np.concatenate([shown, rest])[: len(order)], chances


def key_of(bundle: str, user_id: str, at: int) -> str:
    """What decides a query's draws: the bundle's hash, who asks and the instant [µs]."""
    return f"{bundle}\0{user_id}\0{at}"


def uniforms(key: str, n: int) -> list[float]:
    """n numbers in [0, 1) that depend on the key alone, on every machine and for every version of numpy."""
    digests = (hashlib.sha256(f"{key}\0{number}".encode()).digest() for number in range(n))
    return [(int.from_bytes(digest[:8], "big") >> 11) / 2**53 for digest in digests]


def _weights(scores: Float32, temperature: float | None) -> Float64:
    """(n_pool,) positive, in proportion to the chances of the first draw."""
    if temperature is None:
        return np.ones(len(scores))
    low, high = float(scores.min()), float(scores.max())
    span = high - low if high > low else 1.0
    weights: Float64 = np.exp(np.maximum((scores.astype(np.float64) - high) / span / temperature, -700.0))
    return weights
