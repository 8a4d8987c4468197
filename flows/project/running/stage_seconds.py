"""Durations [s] of each stage's last run here, by profile, for a run's display. No stage reads them."""

from __future__ import annotations

import json
from pathlib import Path

from features.files import write_text

NOTED = Path(".dvc/tmp/recops-seconds.json")


def expected_seconds(root: Path, profile: str) -> dict[str, float]:
    """Stage → seconds of its last run with this profile; empty before the first one."""
    return _noted(root).get(profile, {})


def note_seconds(root: Path, profile: str, stage: str, seconds: float) -> None:
    """Records the duration of a stage."""
    noted = _noted(root)
    noted.setdefault(profile, {})[stage] = round(seconds, 2)
    write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n", root / NOTED)


def _noted(root: Path) -> dict[str, dict[str, float]]:
    try:
        noted = json.loads((root / NOTED).read_text(encoding="utf-8"))
        return {
            str(profile): {str(stage): float(s) for stage, s in stages.items()} for profile, stages in noted.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # a missing estimate must not fail the run
