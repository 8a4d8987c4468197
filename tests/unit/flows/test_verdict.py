"""The end of a run: the headline always, a guard only when it stands against the bundle, and what is next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from features.settings import Settings
from flows.project.dataset import Project
from flows.terminal.verdict import next_step, verdict_lines
from models.release.store import Release, ReleaseStore

HEADLINE = {"sentence": "ndcg@10: better.", "passed": True, "outcome": "superior"}
GUARDS = [
    {"sentence": "recall@10: better.", "passed": True, "outcome": "superior"},
    {"sentence": "coverage@10: worse.", "passed": False, "outcome": "worse"},
    {"sentence": "new users: too few.", "passed": False, "outcome": "too_few"},
]


def project(folder: Path, **decision: Any) -> Project:
    reports = folder / "data" / "reports"
    reports.mkdir(parents=True)
    content = {"reasons": ["Refused: coverage@10.", "ndcg@10: better."], "notes": [], "checks": [HEADLINE, *GUARDS]}
    (reports / "decision.json").write_text(json.dumps(content | {"promote": False, "bundle_hash": "abc"} | decision))
    return Project(folder)


def test_a_guard_is_told_only_when_it_stands_against_the_bundle(tmp_path: Path) -> None:
    assert verdict_lines(project(tmp_path)) == ["Refused: coverage@10.", "  ndcg@10: better.", "  coverage@10: worse."]
    (tmp_path / "data/reports/report.html").touch()
    assert verdict_lines(Project(tmp_path))[-1] == "Report: data/reports/report.html"


def test_nothing_is_told_where_nothing_was_judged(tmp_path: Path) -> None:
    assert verdict_lines(Project(tmp_path)) == []
    assert next_step(Project(tmp_path), Settings(home=tmp_path)) == "`recops run`"


def test_what_is_next_depends_on_the_verdict_and_on_what_is_live(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    assert "change params.yaml" in next_step(project(tmp_path / "refused"), settings)
    promoted = project(tmp_path / "promoted", promote=True)
    assert next_step(promoted, settings).startswith("`recops release`")
    store = ReleaseStore(settings.home)
    created = "2026-01-31T12:00:00+00:00"
    store.write(
        Release(release="r1", bundle_hash="abc", created_at=created, data_until=None, events_through=0, namespace="n")
    )
    store.swap("r1", who="ada", why="a test")
    assert next_step(promoted, settings).startswith("`recops serve`")
    store.pointer.write_text("{")
    assert next_step(promoted, settings).startswith("`recops release`")
