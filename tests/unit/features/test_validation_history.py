"""The history of validations keeps each run's pages and lists them, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.validation.history import KEPT, read_runs, record_run

at = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def docs(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(text)
    return folder


def report(*broken: str, accepted: bool = True) -> dict[str, Any]:
    rules = {"items.key_is_unique": {"passed": True}, **{title: {"passed": False} for title in broken}}
    return {"accepted": accepted, "profile": {"n_rows": 1234}, "rules": rules}


def test_runs_are_listed_newest_first_with_what_was_broken(tmp_path: Path) -> None:
    history = tmp_path / "history"
    record_run(docs(tmp_path / "docs", "first"), report(), history, at)
    folder = record_run(
        docs(tmp_path / "docs", "second"), report("whole.<b>", accepted=False), history, at + timedelta(days=1)
    )
    assert [(run.accepted, run.broken) for run in read_runs(history)] == [(False, ("whole.<b>",)), (True, ())]
    assert (folder / "index.html").read_text() == "second"
    index = (history / "index.html").read_text()
    assert index.index("2026-03-02 04:00:00") < index.index("2026-03-01 04:00:00")
    assert "1,234" in index
    assert "whole.&lt;b&gt;" in index
    for run in read_runs(history):
        assert f'href="{run.folder}/index.html"' in index


def test_only_the_newest_runs_are_kept(tmp_path: Path) -> None:
    history = tmp_path / "history"
    for day in range(KEPT + 2):
        record_run(docs(tmp_path / "docs", str(day)), report(), history, at + timedelta(days=day))
    runs = read_runs(history)
    assert len(runs) == KEPT
    assert runs[-1].at == at + timedelta(days=2)
    assert len([path for path in history.iterdir() if path.is_dir()]) == KEPT


def test_a_folder_that_was_not_written_to_its_end_is_passed_over(tmp_path: Path) -> None:
    history = tmp_path / "history"
    (history / "20260101T000000.000000Z").mkdir(parents=True)
    record_run(docs(tmp_path / "docs", "x"), report(), history, at)
    assert len(read_runs(history)) == 1
