"""Trials stand in the pointer file: users are drawn by a salted hash, and what goes live ends a trial."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.release.store import Release, ReleaseError, ReleaseStore
from models.release.trial import (
    TrialError,
    abort_trial,
    begin_trial,
    promote_trial,
    running_trial,
    share_of,
    trials,
)
from models.release.trial_figures import Figures, Side, breach, read_figures, write_figures


def record(store: ReleaseStore, name: str, tag: str | None = None) -> None:
    store.folder(name).mkdir(parents=True)
    store.write(
        Release(
            release=name,
            bundle_hash=name,
            created_at=f"2026-01-0{name[-1]}T00:00:00+00:00",
            data_until=None,
            events_through=0,
            namespace=name,
            bento_tag=tag,
        )
    )


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    """r1 is live; r2 has the same code, r3 another."""
    made = ReleaseStore(tmp_path)
    for name, tag in (("r1", "recops:aa-code1"), ("r2", "recops:bb-code1"), ("r3", "recops:cc-code2")):
        record(made, name, tag)
    made.swap("r1", who="test", why="")
    return made


def canary(store: ReleaseStore, percent: float = 5.0, release: str = "r2"):
    return begin_trial(store, release, "canary", percent=percent, who="ada", why="new")


def test_a_users_place_is_the_first_eight_bytes_of_sha256():
    # printf 'r2:u-17' | sha256sum begins f49a492cbb120c11, which is 0.95548… of 2^64
    first = int("f49a492cbb120c11", 16) / 2**64
    assert share_of("r2", "u-17") == first


def test_the_share_of_users_is_kept_and_a_greater_share_holds_a_smaller_one(store):
    users = [f"u-{number}" for number in range(20_000)]
    small, large = canary(store, 5.0), canary(store, 20.0)
    five, twenty = ({user for user in users if trial.takes(user)} for trial in (small, large))
    assert abs(len(five) - 1000) < 4 * (20_000 * 0.05 * 0.95) ** 0.5  # four standard deviations
    assert five < twenty
    nobody, everybody = canary(store, 0.0), canary(store, 100.0)
    assert not any(nobody.takes(user) for user in users)
    assert all(everybody.takes(user) for user in users)


def test_a_trial_is_read_by_every_process_until_it_ends(store):
    assert running_trial(store) is None
    begun = canary(store)
    assert running_trial(ReleaseStore(store.root.parent)) == begun
    assert (begun.release, begun.against, begun.until) == ("r2", "r1", None)
    ended = abort_trial(store, who="ada", reason="fewer clicks")
    assert (ended.outcome, ended.reason) == ("aborted", "ada: fewer clicks")
    assert running_trial(store) is None
    assert store.live() == "r1"
    with pytest.raises(TrialError, match="no release is on trial"):
        abort_trial(store, who="ada", reason="")
    assert abort_trial(store, who="ada", reason="", expected=begun) == begun  # somebody else was first


def test_to_promote_is_to_put_live_and_to_end_the_trial(store):
    canary(store)
    assert promote_trial(store, who="ada", why="better") == "r2"
    assert [span.release for span in store.history()] == ["r1", "r2"]
    assert store.history()[-1].why == "better"
    assert [trial.outcome for trial in trials(store)] == ["promoted"]
    with pytest.raises(TrialError):
        promote_trial(store, who="ada", why="")


def test_another_release_that_goes_live_ends_the_trial(store):
    canary(store)
    store.swap("r3", who="retrain", why="promoted by the gate")
    assert [(trial.release, trial.outcome) for trial in trials(store)] == [("r2", "overtaken")]


def test_the_same_release_goes_on_with_another_share_and_another_release_is_refused(store):
    canary(store, 5.0)
    canary(store, 20.0)
    assert [(trial.percent, trial.outcome) for trial in trials(store)] == [(5.0, "changed"), (20.0, "")]
    record(store, "r4", "recops:dd-code1")
    with pytest.raises(TrialError, match="r2 is on trial"):
        canary(store, release="r4")


def test_other_code_what_is_live_and_what_is_not_recorded_are_refused(store):
    with pytest.raises(TrialError, match="code2 cannot be tried beside r1 of code code1"):
        canary(store, release="r3")
    with pytest.raises(TrialError, match="r1 is live"):
        canary(store, release="r1")
    with pytest.raises(ReleaseError, match="no release"):
        canary(store, release="r9")
    assert trials(store) == []


def test_with_nothing_live_there_is_nothing_to_compare_with(tmp_path):
    store = ReleaseStore(tmp_path)
    record(store, "r2")
    with pytest.raises(TrialError, match="nothing is live"):
        canary(store)


def test_a_pointer_of_before_has_no_trials_and_a_pin_keeps_them(store):
    content = json.loads(store.pointer.read_text())
    del content["trials"]
    store.pointer.write_text(json.dumps(content))
    assert trials(store) == []
    canary(store)
    store.pin("r1", pinned=True)
    assert running_trial(store) is not None


def side(n: int, milliseconds: float, n_errors: int = 0) -> Side:
    made = Side(n_errors=n_errors)
    for _ in range(n):
        made.add(milliseconds)
    return made


def test_quantiles_are_up_to_a_tenth_too_high():
    both = Side()
    for _ in range(99):
        both.add(2.0)
    both.add(50.0)
    assert 2.0 <= both.quantile(0.5) <= both.quantile(0.99) <= 2.2
    assert 50.0 <= both.quantile(1.0) <= 55.0
    assert Side().quantile(0.5) is None


def test_a_canary_breaks_its_limits_by_errors_or_by_a_slow_hundredth(store):
    trial = canary(store)  # 1 % of errors, twice the live release's p99
    fine = Figures(live=side(300, 4.0), challenger=side(300, 7.0))
    assert breach(trial, fine) is None
    assert breach(trial, Figures(live=side(300, 4.0), challenger=side(96, 4.0, n_errors=4))) is None  # too few
    assert "5 of 100 lists failed" in breach(trial, Figures(live=side(300, 4.0), challenger=side(95, 4.0, n_errors=5)))
    assert breach(trial, Figures(live=side(300, 4.0), challenger=side(995, 4.0, n_errors=5))) is None  # 0.5 %
    assert "p99" in breach(trial, Figures(live=side(300, 4.0), challenger=side(300, 12.0)))
    assert breach(trial, Figures(live=side(300, 4.0), challenger=side(299, 12.0))) is None  # too few to say
    assert breach(trial, Figures(live=side(300, 0.5), challenger=side(300, 4.0))) is None  # 5 ms are no reason


def test_figures_of_all_workers_are_summed(store, tmp_path, monkeypatch):
    trial = canary(store)
    first = Figures(live=side(10, 4.0), challenger=side(2, 4.0, n_errors=1), n_compared=2, overlap=1.5, n_skipped=1)
    write_figures(tmp_path, trial, first)
    monkeypatch.setattr("os.getpid", lambda: 4711)
    write_figures(tmp_path, trial, first)
    total = read_figures(tmp_path, trial)
    assert (total.live.n_answers, total.challenger.n_errors, total.mean_overlap) == (20, 2, 0.75)
    assert "75% of the items in both lists" in total.sentence()
