"""Write-behind: who flushes or forgets waits for what is being written, and a forgotten user is written no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from features.events.event_columns import EventColumns
from features.online.live.live_events import Incoming
from features.online.live.live_rows import Unwritten
from features.online.live.live_state import LiveState
from features.online.online_place import WriteRefusedError
from features.positives import DEFAULT_POSITIVES
from features.states.item_states import ItemInfo
from services.live.users.resident import Resident
from services.live.users.write_behind import WriteBehind

INFO = ItemInfo(["i0"], ["c"], [1.0])


class SlowRows:
    """A store whose writes wait until they are let go, and then succeed or are refused."""

    def __init__(self) -> None:
        self.began, self.go, self.refuses = threading.Event(), threading.Event(), False
        self.written: list[str] = []

    def write(self, batch: Sequence[Unwritten], wait_s: float) -> None:
        self.began.set()
        self.go.wait(10)
        if self.refuses:
            raise WriteRefusedError("full")
        self.written += [one.user_id for one in batch]


def changed(user_id: str) -> Resident:
    resident = Resident(LiveState(user_id, INFO, 0))
    now = np.array([1_700_000_000_000_000])
    event = EventColumns(np.array([1]), [user_id], ["i0"], ["click"], now, np.array([np.nan]), now)
    assert resident.advance(Incoming.of(event, INFO, DEFAULT_POSITIVES))
    return resident


@pytest.fixture
def rows() -> SlowRows:
    return SlowRows()


@pytest.fixture
def writer(rows: SlowRows) -> WriteBehind:
    return WriteBehind(lambda: rows, after_s=0.0)  # type: ignore[arg-type,return-value]


def test_a_flush_ends_after_a_batch_that_was_being_written(writer, rows):
    writer.mark([changed("u")])
    assert rows.began.wait(5)
    assert writer.flush(0.05) is False  # it is not in the store yet
    rows.go.set()
    assert writer.flush(5) is True
    assert rows.written == ["u"]
    writer.close()


def test_a_user_who_is_forgotten_while_a_write_fails_is_not_written_later(writer, rows):
    rows.refuses = True
    writer.mark([changed("u"), changed("v")])
    assert rows.began.wait(5)
    forgetting = threading.Thread(target=writer.forget, args=("u",))
    forgetting.start()
    time.sleep(0.05)
    assert forgetting.is_alive()  # it waits for the batch
    rows.go.set()
    forgetting.join(5)
    rows.refuses = False
    assert writer.user_ids() == ["v"]  # it waits to be tried again
    assert writer.flush(5) is True
    assert rows.written == ["v"]
    writer.close()
