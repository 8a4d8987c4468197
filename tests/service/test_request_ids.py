"""Request ids come back and stand in the log; deadlines are read from a header."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.access.deadline import ARRIVED, current_deadline, deadline_of, set_deadline

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["plain", "bento"])
def door(request) -> str:
    return request.param


@pytest.mark.parametrize("path", ["/status", "/nothing", "/livez"])
def test_a_request_id_comes_back_whatever_is_answered(shared, path):
    assert shared.get(path, headers={"X-Request-Id": "a-1.B:2/3+4="}).headers["x-request-id"] == "a-1.B:2/3+4="
    first, second = (shared.get(path).headers["x-request-id"] for _ in range(2))
    assert len(first) == len(second) == 32
    assert first != second


@pytest.mark.parametrize("bad", ["a b", 'x"y', "ä".encode(), "x" * 129, ""])
def test_an_id_that_might_harm_a_log_is_replaced(shared, bad):
    answer = shared.get("/status", headers={"X-Request-Id": bad})
    assert answer.status_code == 200
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("bad", ["0", "-5", "1.5", "60001", "abc", "٣", "1" * 40, ""])
def test_a_bad_deadline_is_400_and_named(shared, bad):
    answer = shared.post("/recommend", json={"user_id": "u"}, headers={"X-Recops-Deadline-Ms": bad.encode()})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "X-Recops-Deadline-Ms")


def test_a_deadline_counts_from_the_arrival_and_the_header_goes_before_the_setting():
    scope = {"headers": [], ARRIVED: 100.0}
    assert set_deadline(scope, 250) == 100.25
    assert deadline_of(scope) == current_deadline() == 100.25
    assert set_deadline({"headers": [(b"x-recops-deadline-ms", b"40")], ARRIVED: 100.0}, 250) == 100.04
    assert deadline_of({"headers": []}) is None
    assert abs(set_deadline({"headers": []}, 1000) - time.perf_counter() - 1) < 1


LOGGING = """
import logging
from services.observability.logs import configure_logs
from services.observability.request_ids import begin, note
configure_logs("json")
begin([(b"x-request-id", b"r-7")])
logging.getLogger("services.x").warning("two\\nlines of %s", "text")
note(route="recommend")
try:
    raise ValueError("broken")
except ValueError:
    logging.getLogger("services.x").exception("failed")
"""


def test_log_lines_are_json_with_the_request_id():
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True
    )
    warning, failure = [json.loads(line) for line in done.stderr.splitlines()]
    assert (warning["level"], warning["logger"], warning["message"], warning["request_id"]) == (
        ("warning", "services.x", "two\nlines of text", "r-7")
    )
    assert "ValueError: broken" in failure["exception"]
