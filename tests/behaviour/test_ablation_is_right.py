"""Ablation drops what is useless and keeps what is useful: made worlds with planted parts, judged as the stage does."""

from __future__ import annotations

import time
from statistics import NormalDist

import numpy as np
import pytest

from models.ablation.ablate_params import AblateParams, PartWorth, Worth
from tests.support.planted_parts import judge_planted, make_world

PARAMS = AblateParams(n_users=600, worth=Worth(bytes=50_000))  # the planted vectors take 50 kB: a price of 1 % of lift
DEAR = AblateParams(
    n_users=600, worth=Worth(bytes=50_000, parts={"encoder keywords": PartWorth(bytes=50)})
)  # a thousandfold
FIRST = 1000  # seed
MOST_SECONDS = 6.0  # of a world


def missed(strengths: list[float], confidence: float) -> float:
    """Share of worlds that the paired test misses; its statistic, lift over standard
    error, varies normally from world to world."""
    needed = NormalDist().inv_cdf((1 + confidence) / 2)
    return NormalDist(float(np.mean(strengths)), float(np.std(strengths, ddof=1))).cdf(needed)


@pytest.mark.parametrize(
    "n_worlds", [3, pytest.param(20, marks=pytest.mark.soak), pytest.param(100, marks=pytest.mark.soak)]
)
def test_useless_parts_are_dropped_useful_ones_kept_and_dear_ones_dropped(n_worlds, capsys):
    dropped, kept, dear, strengths, seconds = 0, 0, 0, [], []
    per_side = 2 * NormalDist().inv_cdf((1 + PARAMS.confidence) / 2)
    for seed in range(FIRST, FIRST + n_worlds):
        started, world = time.process_time(), make_world(seed)
        dropped += not judge_planted(world, world.random_keywords, PARAMS).kept
        useful = judge_planted(world, world.hidden_tags, PARAMS)
        seconds.append(time.process_time() - started)
        kept += useful.kept
        strengths.append(useful.lift / ((useful.high - useful.low) / per_side))
        dear += not judge_planted(world, world.hidden_tags, DEAR).kept
    strength = 1 - missed(strengths, PARAMS.confidence)
    with capsys.disabled():
        print(
            f"\n{n_worlds} worlds: useless dropped {dropped}, useful kept {kept}, useful at a thousandfold price "
            f"dropped {dear}; power of the test {strength:.4f}, at most {max(seconds):.1f} s a world"
        )
    least = np.floor(0.95 * n_worlds)
    assert dropped >= least and kept >= least and dear == n_worlds
    assert max(seconds) < MOST_SECONDS
    if n_worlds >= 20:
        assert strength >= 0.99
