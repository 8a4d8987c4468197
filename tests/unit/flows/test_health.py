"""What `recops doctor` finds in broken set-ups: each fault is named with its remedy, and one hides no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from features.errors import UserError
from features.files import locked
from features.settings import Settings
from flows.health import installation, live, locks, stores
from flows.health.findings import Finding, gathered
from flows.orchestration.processes import free_port
from flows.project.dataset import Project
from flows.project.running.run_lock import RUN_LOCK, holder_of


def one(findings: Iterable[Finding], level: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.level == level]
    return finding


def test_packages_that_differ_from_the_lock_are_named_with_what_was_expected(tmp_path: Path) -> None:
    lines = [
        "# made by a command",
        f"typer=={version('typer')}",
        "polars==0.0.1",
        "no-such-package==1.0",
        "other==1 ; python_full_version < '3'",
    ]
    (tmp_path / "requirements.lock").write_text("\n".join(lines))
    finding = one(installation.check_packages(Project(tmp_path)), "wrong")
    assert f"polars is {version('polars')}, expected ==0.0.1; no-such-package is missing" in finding.what
    assert "typer" not in finding.what and "other" not in finding.what
    assert "make install" in finding.remedy


def test_a_local_build_of_a_pinned_version_is_that_version(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(f"torch=={version('torch').partition('+')[0]}\n")
    assert [finding.level for finding in installation.check_packages(Project(tmp_path))] == ["ok"]


def test_a_lock_file_of_dvc_whose_process_is_gone_is_told_and_not_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    rwlock = tmp_path / ".dvc" / "tmp" / "rwlock"
    rwlock.parent.mkdir(parents=True)
    rwlock.write_text(json.dumps({"write": {"data/x": {"pid": gone.pid, "cmd": "dvc repro"}}, "read": {}}))
    findings = list(locks.check_locks(Project(tmp_path), Settings(home=tmp_path / "home")))
    assert "no longer there" in one(findings, "note").what and rwlock.is_file()


def test_a_run_under_way_is_named_by_its_process(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert holder_of(tmp_path) is None
    with locked(tmp_path / RUN_LOCK, lambda holder: AssertionError(holder)):
        assert holder_of(tmp_path) == str(os.getpid())
        findings = list(locks.check_locks(project, Settings(home=tmp_path / "home")))
        assert f"process {os.getpid()}" in one(findings, "note").what
    assert holder_of(tmp_path) is None


@pytest.mark.parametrize("kind", ["redis", "postgresql", "prefect"])
def test_a_server_that_is_not_there_is_named_without_its_password(kind, monkeypatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    if kind == "redis":
        findings = stores.check_online_store(Settings(online_store=f"redis://:secret@{address}/0"))
    elif kind == "postgresql":
        findings = stores.check_event_log(Settings(database_url=f"postgresql://user:secret@{address}/events"))
    else:
        monkeypatch.setenv("PREFECT_API_URL", f"http://{address}/api")
        findings = stores.check_prefect()
    finding = one(findings, "wrong")
    assert address in finding.what and "does not answer" in finding.what
    assert "secret" not in finding.what and finding.remedy


def test_looking_for_events_makes_no_database(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    assert "nothing was recorded yet" in one(stores.check_event_log(settings), "ok").what
    assert not settings.home.exists()


def test_a_damaged_pointer_is_wrong_and_a_home_without_releases_is_not(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert "nothing was released yet" in one(live.check_live(settings), "note").what
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "live.json").write_text("{")
    assert "live.json" in one(live.check_live(settings), "wrong").what


def test_a_check_that_fails_is_a_finding_and_the_next_one_is_asked() -> None:
    def refused() -> Iterable[Finding]:
        yield Finding("a", "ok", "begun")
        raise UserError("RECOPS_X is wrong")

    def broken() -> Iterable[Finding]:
        return iter([1 / 0])  # type: ignore[list-item]

    findings = [*gathered("a", refused), *gathered("b", broken)]
    assert [(finding.area, finding.level) for finding in findings] == [("a", "ok"), ("a", "wrong"), ("b", "wrong")]
    assert findings[1].what == "RECOPS_X is wrong" and "division by zero" in findings[2].what


def test_the_age_of_data_is_told_in_days_or_hours(tmp_path: Path) -> None:
    assert live.age(datetime(2026, 3, 11, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)) == "10 days old"
    assert live.age(datetime(2026, 3, 1, 7, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)) == "7 hours old"
