"""`recops events consume` as a process: killed under load it loses nothing and counts nothing twice."""

from __future__ import annotations

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from features.events.event_log import EventLog
from tests.support.streams import bodies, event, project_folder, start_consumer
from tests.support.waiting import wait_for


@pytest.fixture
def project(tmp_path):
    return project_folder(tmp_path / "project")


def opened(project) -> EventLog:
    return EventLog(f"sqlite:///{project / '.recops' / 'events.db'}")


def killed_under_load(broker, project, n_kills: int, n_events: int) -> None:
    """Publishes in a thread while consumers are killed one after the other; the last one ends in peace."""
    sent = [event(user=f"u{n % 50}", item=f"i{n}") for n in range(n_events)]

    def publish() -> None:
        for start in range(0, n_events, 50):
            broker.publish(bodies(sent[start : start + 50]))

    with ThreadPoolExecutor(1) as publisher, closing(opened(project)) as log:
        published = publisher.submit(publish)
        for _ in range(n_kills):
            before = log.count()
            consumer = start_consumer(project, broker.url, "--batch", "20")
            consumes = wait_for(lambda before=before: log.count() > before, 120)
            consumer.kill()
            _, errors = consumer.communicate()
            assert consumes, f"{errors}\nof the publisher: {published.exception(0) if published.done() else 'at work'}"
        published.result(600)
        consumer = start_consumer(project, broker.url, "--batch", "200")
        assert wait_for(lambda: log.count() >= n_events, 600)
        consumer.send_signal(signal.SIGTERM)
        output, errors = consumer.communicate(timeout=30)
        assert consumer.returncode == 0, errors
        assert "messages consumed" in output
        assert Counter(one.item_id for one in log.read(limit=n_events + 1)) == Counter(one["item_id"] for one in sent)


def test_kills_under_load_lose_nothing_and_count_nothing_twice(redis_url, project):
    from tests.support.streams import RedisBroker

    broker = RedisBroker(redis_url)
    killed_under_load(broker, project, n_kills=1, n_events=2_000)
    broker.close()


@pytest.mark.soak
def test_twenty_kills_under_load(broker, project):
    killed_under_load(broker, project, n_kills=20, n_events=40_000)
