"""Platt scaling: a slope and a shift of log-odds, so that predicted probabilities match observed rates."""

from __future__ import annotations

import numpy as np

from features.arrays import Float64

STEPS = 30
NEAR = 1e-9  # a step so small changes nothing that float32 shows


def platt(log_odds: Float64, labels: Float64) -> tuple[float, float]:
    """Fits slope and shift of 1 / (1 + exp(-(slope · log_odds + shift))) by maximum likelihood (Newton's method).

    Platt 1999 with the targets of Lin, Lin & Weng 2007 (doi:10.1007/s10994-007-5018-6): a hit counts as
    (n_hits + 1) / (n_hits + 2), a miss as 1 / (n_misses + 2), so that no finite sample gives a probability of 0 or 1.
    log_odds, labels: (n_rows,), labels in {0, 1}. If all labels are equal: (1, 0).
    """
    hits = float(labels.sum())
    misses = len(labels) - hits
    if not hits or not misses:
        return 1.0, 0.0
    wanted = np.where(labels > 0, (hits + 1) / (hits + 2), 1 / (misses + 2))
    inputs = np.stack([log_odds, np.ones(len(log_odds))], axis=1)
    line = np.array([1.0, 0.0])
    loss = _loss(inputs @ line, wanted)
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(-(inputs @ line)))
        gradient = inputs.T @ (chance - wanted)
        curvature = (inputs.T * (chance * (1 - chance))) @ inputs + np.eye(2) * 1e-9
        step = np.linalg.solve(curvature, gradient)
        share = 1.0
        while (after := _loss(inputs @ (line - share * step), wanted)) > loss and share > NEAR:
            share /= 2  # a full Newton step may overshoot where the likelihood is flat
        if after > loss or np.abs(share * step).max() < NEAR:
            break
        line, loss = line - share * step, after
    return float(line[0]), float(line[1])


def _loss(log_odds: Float64, wanted: Float64) -> float:
    return float((np.logaddexp(0.0, log_odds) - wanted * log_odds).sum())
