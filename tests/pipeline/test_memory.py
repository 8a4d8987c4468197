"""Memory of the stages whose work grows with the number of users: the limits that it must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.memory import commands, make_project, run_stage
from tests.support.workspace import edit_params

BOUNDED = ("retrieve", "train_ranker", "evaluate")
SHOP = {"n_users": 22_363, "n_rows": 198_502, "n_items": 12_101}
PORTAL = {"n_users": 322_897, "n_rows": 2_988_181, "n_items": 46_033}


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize(
    ("size", "changes", "limit_gb"),
    [
        pytest.param(SHOP, {"retrieve.n_cutoffs": 4, "retrieve.rolling_queries": 4000}, 3.0, id="shop"),
        pytest.param(PORTAL, {}, 4.0, id="portal"),
    ],
)
def test_no_stage_that_asks_users_holds_more_than_its_share(
    size: dict, changes: dict, limit_gb: float, tmp_path: Path
) -> None:
    folder = make_project(tmp_path / "project", **size, profile="quick")
    edit_params(folder, changes)
    peaks = {}
    for name, command in commands(folder).items():
        if name == "decide":
            break
        peak = run_stage(folder, name, command, limit_gb=12.0)
        print(f"{name} {peak.gigabytes:.2f} GB {peak.seconds:.0f} s")
        assert peak.returncode == 0, (folder / "logs" / f"{name}.txt").read_text()[-4000:]
        peaks[name] = peak.gigabytes
    assert {name: peaks[name] for name in BOUNDED if peaks[name] > limit_gb} == {}
