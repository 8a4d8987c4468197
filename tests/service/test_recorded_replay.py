"""`recops replay`: a recorded answer from the release's files and the event log, as it was when it was given."""

from __future__ import annotations

import pytest

from features.errors import UserError
from features.events.event_log import EventLog
from features.settings import Settings
from flows.recorded.answer_replay import as_known, find_record, newest_records, release_of, same_lists
from flows.recorded.replay_text import replay_lines, why_not_lines
from models.flight.explained import explained
from models.flight.recomputed import recomputed
from tests.support.flown import some_users

NO_HURRY = {"X-Recops-Deadline-Ms": "60000"}


@pytest.fixture
def answered(made, client):
    """Two lists of one user, before and after events of theirs and of others."""
    user_id, other = some_users(made, 6)[1:3]
    ids = client.runtime.serving().recommender.catalogue.vocabulary.item_ids

    def ask() -> dict:
        return client.post("/recommend", json={"user_id": user_id}, headers=NO_HURRY).json()

    first = ask()
    events = [
        {"user_id": user_id, "item_id": first["items"][0]["item_id"], "event": "click"},
        {"user_id": user_id, "item_id": ids[7], "event": "not_recommend"},
        {"user_id": other, "item_id": ids[3], "event": "click"},
    ]
    assert client.post("/events", json={"events": events}).status_code == 200
    second = ask()
    client.post("/events", json={"events": [{"user_id": user_id, "item_id": ids[9], "event": "click"}]})
    client.runtime.flight.close()
    return first, second


def lines_of(settings: Settings, request_id: str, item_id: str | None = None) -> list[str]:
    record, log = find_record(settings, request_id), EventLog(settings.events_url)
    with release_of(settings, record.release) as release:
        known = as_known(record, release, log)
        return list(replay_lines(known) if item_id is None else why_not_lines(known, item_id))


def test_each_of_two_lists_replays_with_what_was_known_then(answered, settings):
    for listed in answered:
        record, log = find_record(settings, listed["request_id"]), EventLog(settings.events_url)
        with release_of(settings, record.release) as release:
            known = as_known(record, release, log)
            assert known.query().history.n_events == record.n_events
            assert len(known.query().excluded.values) == record.n_blocked
            assert all(one.agrees for one in recomputed(known))
            for one in explained(known):
                assert one.base + sum(value for _, value in one.groups) == pytest.approx(one.score, abs=1e-5)
    first, second = (find_record(settings, listed["request_id"]) for listed in answered)
    assert second.n_events == first.n_events + 1
    assert second.log_position > first.log_position


def test_the_lines_say_what_led_to_the_list(answered, settings):
    text = "\n".join(lines_of(settings, answered[1]["request_id"]))
    assert "the recorded features give the same list, to the bit" in text
    agreeing = [line for line in text.splitlines() if "candidates, agrees, scores to" in line]
    assert len(agreeing) == 4
    assert "before anything is known of it" in text
    chosen = answered[0]["items"][0]["item_id"]
    assert "in their history already" in lines_of(settings, answered[1]["request_id"], chosen)[0]


def test_what_is_not_there_is_a_readable_mistake(answered, settings):
    with pytest.raises(UserError, match="no record of request"):
        find_record(settings, "0" * 32)
    with pytest.raises(UserError, match="item 'no such' is not in release r1"):
        lines_of(settings, answered[0]["request_id"], "no such")


def test_the_newest_answers_are_replayed_together(answered, settings):
    records = newest_records(settings, 10)
    assert [record.request_id for record in records] == [listed["request_id"] for listed in answered]
    assert same_lists(settings, records) == (2, [])
    assert len(newest_records(settings, 1)) == 1
