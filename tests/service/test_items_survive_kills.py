"""kill -9 of the whole service under load of events and items: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing

import pytest

from features.catalogue_changes.item_log import ItemLog
from features.events.event_log import EventLog
from features.settings import Settings
from tests.support.served import call, serving
from tests.support.small_release import release

ROUNDS = int(os.environ.get("RECOPS_KILL_ROUNDS", "3"))
POSTED = 25  # of each kind before the kill


def post_until_killed(address: str, first: int, acknowledged: dict[str, dict[str, int]]) -> None:
    """Items and events by turns; each is sent twice, as by a client that retries."""
    number = first
    while True:
        item = {"item_id": f"item-{number}", "title": f"Title {number}", "price": number}
        event = {"event_id": f"event-{number}", "user_id": f"user-{number % 7}", "item_id": "x", "event": "click"}
        try:
            for _ in range(2):
                status, answer = call(address, "/items", {"items": [item]})
                assert status == 200, answer
                seq = answer["items"][0]["seq"]
                assert acknowledged["items"].setdefault(item["item_id"], seq) == seq
                status, _ = call(address, "/events", {"events": [event]})
                assert status == 200
                acknowledged["events"][event["event_id"]] = number
        except (OSError, ValueError):
            return
        number += 1


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(made, settings):
    release(made, settings, "r1")
    acknowledged: dict[str, dict[str, int]] = {"items": {}, "events": {}}
    for number in range(ROUNDS):
        with serving(settings.home, "--working-tree", RECOPS_ITEM_ENCODER="off") as (address, process):
            before = len(acknowledged["events"])
            threads = [
                threading.Thread(target=post_until_killed, args=(address, 100_000 * number + 10_000 * n, acknowledged))
                for n in range(3)
            ]
            for thread in threads:
                thread.start()
            while len(acknowledged["events"]) < before + POSTED:
                threads[0].join(0.05)
            os.killpg(process.pid, signal.SIGKILL)
            for thread in threads:
                thread.join(60)
            process.wait()
    kept = Settings(home=settings.home)
    with closing(EventLog(kept.events_url)) as log:
        items = {state.item_id: state for state in ItemLog(log.database).states()}
        assert acknowledged["items"].items() <= {item_id: state.seq for item_id, state in items.items()}.items()
        assert sorted(state.seq for state in items.values()) == list(range(1, len(items) + 1))
        assert all(state.fields["title"] == f"Title {item_id[5:]}" for item_id, state in items.items())
        event_ids = [event.event_id for event in log.read(limit=1_000_000)]
        assert len(set(event_ids)) == len(event_ids)
        assert acknowledged["events"].keys() <= set(event_ids)
