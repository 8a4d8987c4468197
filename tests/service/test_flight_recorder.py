"""The flight recorder: nothing is waited for, nothing that was written is lost, and each answer replays to its list."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter

import numpy as np
import pytest

from features.settings import Settings
from models.flight.records.flight_folder import FlightFolder
from models.flight.replay import replayed
from models.recommender import Recommender
from services.recorder import flight as recording
from services.recorder.flight import FlightRecorder, record_of
from tests.support.flown import flights, recommender_of, some_users
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def recommender(made) -> Recommender:
    return recommender_of(made)


@pytest.fixture(scope="module")
def flown(made, recommender):
    return flights(made, recommender, some_users(made, 40))


@pytest.fixture
def counted() -> Counter:
    return Counter()


def recorder_of(settings: Settings, counted: Counter) -> FlightRecorder:
    return FlightRecorder(settings, lambda outcome, n: counted.update({outcome: n}))


def test_each_recorded_answer_replays_to_its_list_to_the_bit(settings, flown, recommender, counted):
    recorder = recorder_of(settings, counted)
    for one in flown:
        recorder.record(one)
    recorder.close()
    assert counted == {"written": 40}
    folder = FlightFolder(settings.home)
    assert len(list(folder.path.glob("*.parquet"))) == 1
    assert list(folder.path.glob("*.arrows")) == []
    for one in flown:
        record = folder.find(one.request_id)
        replay = replayed(record, recommender)
        assert replay.same
        np.testing.assert_array_equal(replay.shown, one.answer.shown)
        np.testing.assert_array_equal(replay.scores, one.answer.scores)
        assert record.asked == {
            "user_id": one.request.user_id,
            "k": 10,
            "history": None,
            "exclude": [],
            "filter": None,
            "explain": False,
            "details": False,
            "include_seen": False,
            "scenario": None,
        }


def test_a_replay_notices_another_score_and_another_list(flown, recommender):
    record = record_of(flown[0], 50)
    features = record.features.copy()
    features[0] = np.nan
    changed = replayed(type(record)(**{**vars(record), "features": features}), recommender)
    assert not changed.same
    assert changed.differing.tolist() == [record.feature_rows[0]]
    swapped = replayed(type(record)(**{**vars(record), "shown": record.shown[::-1]}), recommender)
    assert not swapped.same
    assert swapped.differing.tolist() == []


def test_features_are_kept_of_the_best_candidates_and_of_all_that_was_shown(flown):
    answer = flown[0].answer
    few = record_of(flown[0], 3)
    assert set(np.argsort(-answer.scores, kind="stable")[:3]) | set(answer.shown) == set(few.feature_rows.tolist())
    np.testing.assert_array_equal(few.features, answer.features[few.feature_rows])
    np.testing.assert_array_equal(few.features_of(int(answer.shown[1])), answer.features[answer.shown[1]])
    assert few.features_of(int(np.argmin(answer.scores))) is None


def test_an_answer_is_found_before_it_is_written(settings, flown, counted):
    recorder = recorder_of(settings, counted)
    recorder.record(flown[3])
    assert recorder.find(flown[3].request_id).user_id == flown[3].request.user_id
    wait_for(lambda: counted["written"] == 1, 10)
    assert recorder.find(flown[3].request_id).user_id == flown[3].request.user_id  # from the open stream now
    assert FlightFolder(settings.home).find(flown[3].request_id) is not None
    recorder.close()


def test_a_full_queue_drops_and_counts_and_the_request_goes_on(settings, flown, counted, monkeypatch):
    monkeypatch.setattr(recording, "MOST_WAITING", 8)
    monkeypatch.setattr(recording, "A_BATCH_S", 60.0)
    recorder = recorder_of(settings, counted)
    for one in flown:
        recorder.record(one)
    assert counted == {"dropped": 32}
    recorder.close()
    assert counted == {"dropped": 32, "written": 8}


def test_of_a_share_only_what_is_sampled_is_kept(settings, flown, counted):
    recorder = FlightRecorder(
        settings.model_copy(update={"record_share": 0.5}), lambda *one: counted.update(dict([one]))
    )
    for one in flown:
        recorder.record(one)
    recorder.close()
    sampled = [one for one in flown if int(one.request_id[-8:], 16) < 2**31]
    assert counted["written"] == len(sampled)
    kept = {record.request_id for record in FlightFolder(settings.home).records()}
    assert kept == {one.request_id for one in sampled}


def test_a_disk_that_is_full_costs_records_and_nothing_else(settings, flown, counted, monkeypatch):
    monkeypatch.setattr(recording, "A_BATCH_S", 0.05)
    recorder = recorder_of(settings, counted)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(recording._Stream, "write", no_space)
        recorder.record(flown[0])
        wait_for(lambda: counted["failed"] == 1, 10)
    recorder.record(flown[1])
    wait_for(lambda: counted["written"] == 1, 10)
    recorder.close()
    folder = FlightFolder(settings.home)
    assert folder.find(flown[0].request_id) is None
    assert folder.find(flown[1].request_id) is not None


def test_a_killed_worker_loses_what_it_had_not_written_and_no_more(settings, flown, monkeypatch):
    monkeypatch.setattr(recording, "A_BATCH_S", 0.05)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        recorder = FlightRecorder(settings)
        for one in flown[:5]:
            recorder.record(one)
        while recorder.folder.find(flown[4].request_id) is None:
            time.sleep(0.01)
        os.write(write, b"x")
        threading.Event().wait()
    os.read(read, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    folder = FlightFolder(settings.home)
    assert all(folder.find(one.request_id) is not None for one in flown[:5])
    assert folder.close_orphans(time.time() + 10_000) == 1
    assert all(folder.find(one.request_id) is not None for one in flown[:5])
    assert {path.suffix for path in folder.path.iterdir()} == {".parquet"}


def test_the_files_are_readable_by_their_owner_only(settings, flown, counted):
    recorder = recorder_of(settings, counted)
    recorder.record(flown[0])
    recorder.close()
    folder = FlightFolder(settings.home).path
    assert folder.stat().st_mode & 0o077 == 0
