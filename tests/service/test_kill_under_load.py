"""`kill -9` of the service under a load of events and items: nothing acknowledged is lost, nothing stands twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from features.catalogue_changes.item_log import ItemLog
from features.events.event_log import EventLog
from features.settings import Settings
from tests.support.served import call, family, serving
from tests.support.small_release import Made, release

N_SENDERS = 4


@dataclass
class Sender:
    """Sends one event after the other, some of them twice, and now and then an item; after a kill the same again until
    it is acknowledged, as a client does. acknowledged, items: what the service said that it holds."""

    name: str
    address: str = ""
    acknowledged: list[str] = field(default_factory=list)
    items: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[int, object]] = field(default_factory=list)
    pending: tuple[str, dict] | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.numbers = count()

    def run(self) -> None:
        while not self.stopped.is_set():
            path, body = self.pending or self._next()
            self.pending = (path, body)
            try:
                status, answer = call(self.address, path, body)
            except OSError:  # killed meanwhile: it is sent again after the restart
                time.sleep(0.05)
                continue
            self.pending = None
            if status != 200:
                self.refused.append((status, answer))
            elif path == "/events":
                self.acknowledged += [event["event_id"] for event in body["events"]]
            else:
                self.items |= {item["item_id"]: item["title"] for item in body["items"]}

    def _next(self) -> tuple[str, dict]:
        number = next(self.numbers)
        if number % 10 == 9:
            item_id = f"{self.name}-i{number % 50}"
            return "/items", {"items": [{"item_id": item_id, "title": f"title {number}"}]}
        ids = [f"{self.name}-{number}", *([f"{self.name}-{number - 1}"] if number % 7 == 6 else [])]
        events = [{"event_id": one, "user_id": self.name, "item_id": "b001", "event": "view"} for one in ids]
        return "/events", {"events": events}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_nothing_acknowledged_is_lost_and_nothing_stands_twice(made: Made, tmp_path: Path) -> None:
    n_kills, rng = int(os.environ.get("RECOPS_TEST_KILLS", "20")), random.Random(1)
    settings = Settings(home=tmp_path / "home")
    release(made, settings, "r1")
    senders = [Sender(f"s{number}") for number in range(N_SENDERS)]
    ready_s = []
    for _ in range(n_kills):
        started = time.monotonic()
        with serving(settings.home) as (address, process):
            ready_s.append(time.monotonic() - started)
            threads = []
            for sender in senders:
                sender.address = address
                sender.stopped.clear()
                threads.append(threading.Thread(target=sender.run))
                threads[-1].start()
            time.sleep(rng.uniform(0.5, 2.0))
            for number in family(process.pid):
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            process.wait(30)
            for sender in senders:
                sender.stopped.set()
            for thread in threads:
                thread.join(60)
    assert [sender.refused for sender in senders] == [[]] * N_SENDERS
    log = EventLog(settings.events_url)
    stored = Counter(event.event_id for event in log.read(limit=1 << 30))
    acknowledged = {event_id for sender in senders for event_id in sender.acknowledged}
    assert len(acknowledged) > 20 * n_kills
    assert acknowledged - set(stored) == set()
    assert [event_id for event_id, n in stored.items() if n > 1] == []
    sent = {f"{sender.name}-{number}" for sender in senders for number in range(next(sender.numbers))}
    assert set(stored) <= sent
    items = ItemLog(log.database)
    for sender in senders:
        pending = {} if sender.pending is None else {item["item_id"] for item in sender.pending[1].get("items", [])}
        for item_id, title in sender.items.items():
            state = items.state(item_id)
            assert state is not None
            assert state.fields["title"] == title or item_id in pending
    log.close()
    median = sorted(ready_s)[len(ready_s) // 2]
    print(
        f"{n_kills} kills: {len(acknowledged)} events and {sum(len(sender.items) for sender in senders)} items "
        f"acknowledged; ready again within {max(ready_s):.1f} s, {median:.1f} s in the median"
    )
