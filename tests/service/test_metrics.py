"""Metrics: labels are of fixed sets whatever clients send, and their files have reserved space."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from services.access.middleware import NO_ROUTE
from services.metric_files import RESERVED
from services.recorder.flight import Outcome

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["plain", "bento"])
def door(request) -> str:
    """Everything here holds for BentoML's methods too."""
    return request.param


def series(client) -> set[str]:
    """Name and labels of every line of /metrics."""
    text = client.get("/metrics").text
    return {line.rpartition(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}


def attack(client, name: str) -> None:
    """A request of each kind in which a client can put a word of its own."""
    admin = {"X-Recops-Admin": "1"}
    client.get(f"/{name}", headers=admin)
    client.get(f"/console/{name}")
    client.get(f"/status/{name}")
    client.get(f"/status?{name}={name}")
    client.get("/status", headers={"Host": f"{name}.example"})
    client.get("/status", headers={"Origin": f"http://{name}.example"})
    client.request(name.upper(), "/status", headers=admin)
    client.request(name.upper(), f"/{name}", headers=admin)
    client.get("/status", headers={"User-Agent": name, "X-Forwarded-For": name})
    client.post("/recommend", json={"user_id": name, "scenario": name, "filter": {"category": [name]}})
    client.post("/events", json={"events": [{"user_id": name, "item_id": name, "event": name}]})
    client.get("/history", params={"user_id": name})


def test_nothing_that_a_client_sends_becomes_a_label(client):
    attack(client, "zebra")
    client.get("/metrics")  # counts itself
    before = series(client)
    for number in range(50):
        attack(client, f"zebra{number}")
    assert series(client) == before
    assert not any("zebra" in line.lower() for line in before)
    routes = {match[1].removeprefix("bento/") for line in before if (match := re.search(r'route="([^"]*)"', line))}
    assert {f'recops_flight_records_total{{outcome="{outcome}"}}' for outcome in get_args(Outcome)} <= before
    assert {NO_ROUTE, "status", "console", "events", "metrics", "history", "recommend"} <= routes
    assert f'recops_requests_total{{route="{NO_ROUTE}",status="404"}}' in before
    assert 'recops_events_total{event="other"}' in before


def test_only_our_own_metrics_are_shown(client):
    client.post("/recommend", json={"user_id": "u"})
    assert all(line.startswith("recops_") for line in series(client))


FILL = """
import os, struct
from pathlib import Path
from services.access.connection import UNREAD
import pytest

from services.access.middleware import NO_ROUTE, PROBES
from services.app import labels_of, make_app
from services.errors import CODES
from services.metric_files import reserve_files
reserve_files()
from services.access.keys import ROLES
from services.metrics import EVENTS, STAGES, metrics
counts = metrics()
for route in {*labels_of(make_app()).values(), *PROBES.values(), NO_ROUTE, UNREAD}:
    for status in (200, 307, *CODES):
        counts.count_answer(route, status, 0.1)
for role in (*ROLES, *(f"role-{number}" for number in range(20))):
    counts.quota_refusals.labels(role).inc()
counts.count_stages(dict.fromkeys([*STAGES, "another"], 1.0), ["ranker"])
counts.queue_seconds.observe(0.1)
counts.queue_length.inc()
for event in (*EVENTS, "another"):
    counts.count_event(event)
for number in range(40):
    counts.fallbacks.labels(f"retriever_{number}").inc()
folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
for path in folder.iterdir():
    (used,) = struct.unpack("i", path.read_bytes()[:4])  # the file begins with it
    print(path.name.rpartition("_")[0], path.stat().st_size, path.stat().st_blocks * 512, used)
"""


def test_all_labels_fit_into_half_of_the_reserved_space(tmp_path):
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", FILL], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    files = {name: tuple(map(int, numbers)) for name, *numbers in (line.split() for line in done.stdout.splitlines())}
    assert {"counter", "histogram", "gauge_mostrecent"} <= set(files)
    for name, (size, allocated, used) in files.items():
        assert size == RESERVED, name
        assert allocated >= RESERVED, f"{name}: its space is not reserved"
        assert used < RESERVED / 2, name
    assert files["counter"][2] > 10_000
    assert files["histogram"][2] > 10_000
