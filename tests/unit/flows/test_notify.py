"""A run that ends badly is told: a log line always, the webhook when there is one."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from features.settings import Settings
from flows.orchestration.notify import notify_failure
from flows.orchestration.restarts import in_a_row
from flows.orchestration.validations import HISTORY, record_validation

RUN = (SimpleNamespace(name="train"), SimpleNamespace(name="wise-owl", id="123", deployment_id="4"))
FAILED = SimpleNamespace(name="Failed", message="stage 'validate':\n too old")


@pytest.fixture
def webhook():
    """A server that keeps what it is sent."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", taken
    server.shutdown()


def test_the_log_line_names_flow_run_state_and_reason(caplog, monkeypatch):
    monkeypatch.delenv("RECOPS_WEBHOOK_URL", raising=False)
    with caplog.at_level(logging.ERROR, "flows.orchestration.notify"):
        notify_failure(*RUN, FAILED)
    assert caplog.messages == ["flow=train run=wise-owl state=Failed reason=stage 'validate': too old"]


def test_the_reason_is_not_told_twice_to_who_started_the_run_by_hand(caplog, monkeypatch):
    monkeypatch.delenv("RECOPS_WEBHOOK_URL", raising=False)
    with caplog.at_level(logging.ERROR, "flows.orchestration.notify"):
        notify_failure(RUN[0], SimpleNamespace(name="wise-owl", id="123", deployment_id=None), FAILED)
    assert caplog.messages == ["flow=train run=wise-owl state=Failed"]


def test_the_webhook_gets_the_same_as_json_with_a_line_for_chats(webhook, monkeypatch):
    url, taken = webhook
    monkeypatch.setenv("RECOPS_WEBHOOK_URL", url)
    notify_failure(*RUN, FAILED)
    (notice,) = taken
    assert (notice["flow"], notice["run"], notice["state"]) == ("train", "wise-owl", "Failed")
    assert notice["text"].startswith("recops: flow train, run wise-owl: Failed: stage 'validate': too old")


def test_a_webhook_that_does_not_answer_is_a_warning_and_no_failure(caplog, monkeypatch):
    monkeypatch.setenv("RECOPS_WEBHOOK_URL", "http://127.0.0.1:9/hook")
    with caplog.at_level(logging.WARNING, "flows.orchestration.notify"):
        notify_failure(*RUN, FAILED)
    assert "did not take the notice" in caplog.messages[-1]


def test_only_crashes_without_another_end_between_them_count_as_a_row():
    assert in_a_row([]) == 0
    assert in_a_row(["COMPLETED", "CRASHED"]) == 0
    assert in_a_row(["CRASHED", "CRASHED", "FAILED", "CRASHED"]) == 2


@pytest.fixture
def reports(tmp_path):
    """data/reports after a validation with one broken warning."""
    (tmp_path / "reports" / "docs").mkdir(parents=True)
    (tmp_path / "reports" / "docs" / "index.html").write_text("docs")
    report = {
        "accepted": True,
        "warnings": ["items.title_is_there: 26 of 50 rows"],
        "profile": {"n_rows": 400},
        "rules": {"items.title_is_there": {"passed": False}},
    }
    (tmp_path / "reports" / "validation.json").write_text(json.dumps(report))
    return tmp_path / "reports"


def test_warnings_of_accepted_data_go_to_the_webhook_and_the_run_into_the_history(webhook, reports, monkeypatch):
    url, taken = webhook
    monkeypatch.setenv("RECOPS_WEBHOOK_URL", url)
    monkeypatch.setenv("RECOPS_HOME", str(reports.parent / "home"))
    folder = record_validation(reports, Settings(), datetime.now(UTC) - timedelta(minutes=1))
    (notice,) = taken
    assert (notice["flow"], notice["state"]) == ("train", "Warning")
    assert "items.title_is_there: 26 of 50 rows" in notice["text"]
    assert (folder / "index.html").read_text() == "docs"
    index = (reports.parent / "home" / HISTORY / "index.html").read_text()
    assert "items.title_is_there" in index


def test_a_run_that_validated_nothing_leaves_no_entry_in_the_history(reports, monkeypatch):
    monkeypatch.setenv("RECOPS_HOME", str(reports.parent / "home"))
    assert record_validation(reports, Settings(), datetime.now(UTC) + timedelta(minutes=1)) is None
    assert not (reports.parent / "home").exists()
