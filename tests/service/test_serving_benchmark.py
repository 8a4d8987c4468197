"""The benchmark of the service with tiny settings: every case prints its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.events.event_log import EventLog
from features.settings import Settings
from tests.support.served import ROOT
from tests.support.small_release import Made, release


def benchmark(settings: Settings, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.serving", *arguments, "--working-tree"]
    env = {**os.environ, "RECOPS_HOME": str(settings.home)}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.soak
def test_open_loop_and_freshness_print_their_figures_and_leave_the_home_as_it_is(
    made: Made, settings: Settings, tmp_path: Path
) -> None:
    release(made, settings, "r1")
    arguments = ["open", "fresh", "--rates", "10", "--seconds", "1", "--event-rate", "20"]
    text = benchmark(settings, *arguments, "--json", str(tmp_path / "figures.json"))
    assert "release r1" in text
    whole, recommend, event = json.loads((tmp_path / "figures.json").read_text())
    assert (whole["planned"], whole["errors"]) == (10, {})
    assert whole["per_second"] == pytest.approx(recommend["per_second"] + event["per_second"])
    assert 0 < whole["p50"] <= whole["p99"] <= whole["worst"]
    assert whole["processor_ms"] > 0
    assert "event accepted → changed list" in text
    assert " 0 never, 0 failed" in text
    log = EventLog(settings.events_url)
    assert log.count() == 0
    log.close()


@pytest.mark.soak
def test_every_other_case_prints_its_figures(made: Made, settings: Settings) -> None:
    release(made, settings, "r2", live=False)
    release(made, settings, "r1")
    cases = ["closed", "highest", "explain", "memory", "swap", "--swaps", "2", "--limit-ms", "5000"]
    text = benchmark(settings, *cases, "--rates", "10", "--seconds", "1", "--connections", "2")
    for part in (
        "/events, 100 each",
        "highest rate with p99 < 5000 ms",
        "explain",
        "an empty worker",
        "0 failed, 0 mixed",
    ):
        assert part in text, text
