"""benchmarks.peers --protocol rolling on a log small enough to know every list."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.peers.answers import answer
from benchmarks.peers.elsewhere import rectools
from benchmarks.peers.judging import independent_values, relative_leads, standings
from benchmarks.peers.models import PEERS, markov, ranked
from benchmarks.peers.rolling import read_rolling, rolling
from benchmarks.peers.tasks import PeerTask
from features.errors import UserError
from features.positives import DEFAULT_POSITIVES
from features.schema import INTERACTIONS, ITEMS
from models.data.rolling_queries import rolling_events
from models.data.vocabulary import Vocabulary
from models.evaluation.evaluate import Params
from models.evaluation.results import ROLLING
from models.evaluation.rolling import rolling_table

START = datetime(2024, 1, 1, tzinfo=UTC)


def _rows(*acts: tuple[str, str, int]) -> pl.DataFrame:
    """INTERACTIONS of (user, item, day)."""
    times = [START + timedelta(days=day) for *_, day in acts]
    given = pl.DataFrame({"user_id": [act[0] for act in acts], "item_id": [act[1] for act in acts]})
    frame = given.with_columns(timestamp=pl.Series(times), known_at=pl.Series(times))
    return pl.concat([INTERACTIONS.empty(), frame], how="diagonal")


HISTORY = _rows(("p", "a", 0), ("q", "b", 0), ("p", "b", 1), ("q", "c", 1), ("r", "c", 1), ("p", "d", 2), ("r", "d", 2))
PART = _rows(
    ("q", "a", 5),  # asked, after b c
    ("new", "a", 6),  # the first act of somebody new
    ("new", "b", 7),  # asked, after a
    ("new", "late", 8),  # nobody had it before the cut
    ("new", "d", 9),  # asked, after a b late
)


def _sitting() -> tuple[pl.DataFrame, PeerTask]:
    """The events by name, as a sitting holds them, and the sitting."""
    events = rolling_events(HISTORY, PART)
    return events.sort("query_id"), rolling(HISTORY, PART, events, DEFAULT_POSITIVES)


def _histories(test: PeerTask) -> dict[tuple[str, ...], list[str]]:
    """What is seen by what was done."""
    acts, seen = test.asked.histories, test.asked.seen.toarray()
    found = {}
    for query in range(len(acts)):
        items = acts.items[acts.offsets[query] : acts.offsets[query + 1]]
        found[tuple(test.item_ids[items].tolist())] = test.item_ids[np.flatnonzero(seen[query])].tolist()
    return found


def test_each_event_is_asked_with_all_that_its_user_did_before_it_and_nothing_more() -> None:
    events, test = _sitting()
    assert test.names.tolist() == events.get_column("query_id").to_list()
    assert _histories(test) == {
        ("b", "c"): ["b", "c"],
        ("a",): ["a"],
        ("a", "b", "late"): ["a", "b", "late"],
    }
    for query, wanted in enumerate(events.get_column("item_id")):
        acts = test.asked.histories.take(np.array([query])).items
        assert wanted not in test.item_ids[acts]


def test_peers_learn_from_before_the_cut_alone() -> None:
    _, test = _sitting()
    assert len(test.past.histories) == 3
    assert len(test.past.histories.items) == HISTORY.height
    assert test.past.chosen[:, np.flatnonzero(test.item_ids == "late")].nnz == 0


def test_an_answer_depends_on_what_its_user_has_just_done() -> None:
    """p did a b d, q did b c: a is followed by b and d, b by c and d, c by d."""
    events, test = _sitting()
    scores = markov(test.past, {"window": 2, "last": 1, "shrinkage": 0.0, "beta": 0.0})
    lists = ranked(test.past, test.asked, scores)
    best = dict(zip(events.select("user_id", "item_id").iter_rows(), test.item_ids[lists[:, 0]], strict=True))
    assert best == {("q", "a"): "d", ("new", "b"): "b", ("new", "d"): "c"}
    offered = {item for row in lists for item in test.item_ids[row[row >= 0]]}
    assert "late" not in offered
    # only b is found at rank 1; a is last of two (d, a); d stands after c, since late has no follower
    expected = {"a": 1 / np.log2(3), "b": 1.0, "d": 1 / np.log2(3)}
    wanted = [expected[item] for item in events.get_column("item_id")]
    np.testing.assert_allclose(test.values(lists), np.stack([wanted, np.ones(3)], axis=1))


@pytest.mark.parametrize("name", [name for name, peer in PEERS.items() if not peer.of_users])
def test_a_peer_of_histories_answers_events(name: str) -> None:
    _, test = _sitting()
    given = answer(name, test, test.past, test.asked)
    assert (given.lists[:, 0] >= 0).all()


def test_models_of_users_have_no_place_there() -> None:
    assert {name for name, peer in PEERS.items() if peer.of_users} == {"implicit ALS", "implicit BPR"}
    assert [name for name, peer in rectools(5).items() if not peer.of_users] == ["RecTools SASRec"]
    assert all(peer.of_users for peer in rectools(0).values())


def test_recops_lists_are_those_of_its_own_events(project: Path) -> None:
    case = read_rolling(project, Params())
    events, test = _sitting()
    assert case.test.names.tolist() == test.names.tolist()
    found = [case.test.item_ids[row[row >= 0]].tolist() for row in case.ours]
    expected = {"a": ["d", "a"], "b": ["c", "d"], "d": []}  # no answer is none of the file's rows, and counts as 0
    assert found == [expected[item] for item in events.get_column("item_id")]
    values = dict(zip(events.get_column("item_id"), case.test.values(case.ours).tolist(), strict=True))
    assert values == {"a": [pytest.approx(1 / np.log2(3)), 1.0], "b": [0.0, 0.0], "d": [0.0, 0.0]}


def test_another_judge_is_told_all_that_each_event_knows(project: Path) -> None:
    """It takes an event for a user, and each item known before the cut for one with history."""
    case = read_rolling(project, Params())
    seen = {name: sorted(rows.get_column("item_id")) for (name,), rows in case.seen.group_by("user_id")}
    events = dict(_sitting()[0].select("item_id", "query_id").iter_rows())
    assert seen == {
        events["a"]: ["b", "c"],
        events["b"]: ["a"],
        events["d"]: ["a", "b", "late"],
        "known": ["a", "b", "c", "d"],
    }
    assert sorted(case.wanted.iter_rows()) == sorted((query, item) for item, query in events.items())


def test_the_independent_judge_agrees(project: Path) -> None:
    bench = os.environ.get("RECOPS_BENCH")
    if not bench:
        pytest.skip("RECOPS_BENCH names no folder with an evaluate.py")
    case = read_rolling(project, Params())
    np.testing.assert_allclose(independent_values(Path(bench), case, case.ours), case.test.values(case.ours))


def test_lists_of_other_params_are_not_compared(project: Path) -> None:
    with pytest.raises(UserError, match="not those of params.yaml; run `dvc repro evaluate`"):
        read_rolling(project, Params(rolling_events=1))


def test_a_split_without_a_cut_in_time_has_no_events(project: Path) -> None:
    (project / "data/evaluation/rolling.parquet").unlink()
    with pytest.raises(UserError, match="split.scheme global_time"):
        read_rolling(project, Params())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One in which recops answered q's a with d a and new's b with c d, and nothing to new's d."""
    split = tmp_path / "data" / "split"
    for name, rows in {"train": HISTORY[:4], "valid": HISTORY[4:], "test": PART}.items():
        INTERACTIONS.write(rows, split / f"{name}.parquet")
    cuts = {"valid_cut": (START + timedelta(days=1)).isoformat(), "test_cut": (START + timedelta(days=2)).isoformat()}
    told = {"scheme": "global_time", "leaky": False, "why": "", "artificial_time": False}
    (split / "split.json").write_text(json.dumps(cuts | told), encoding="utf-8")
    items = pl.concat([ITEMS.empty(), pl.DataFrame({"item_id": ["a", "b", "c", "d", "late"]})], how="diagonal")
    ITEMS.write(items, tmp_path / "data" / "tables" / "items.parquet")
    events = rolling_events(HISTORY, PART)
    lists = {"a": [3, 0], "b": [2, 3], "d": [-1, -1]}
    answers = np.array([lists[item] for item in events.get_column("item_id")], dtype=np.int32)
    answered = rolling_table(events, answers, Vocabulary(["a", "b", "c", "d"]))
    ROLLING.write(answered, tmp_path / "data" / "evaluation" / "rolling.parquet")
    return tmp_path


def test_users_with_many_events_are_drawn_as_one() -> None:
    """One user has three events, each won by 0.4, and another one, lost by 0.4: the mean over events is 0.2, and
    that of a resample of users is 0.4, 0.2 or -0.4."""
    theirs = np.full((4, 2), 0.5)
    values = {"recops": theirs + np.array([[0.4], [0.4], [-0.4], [0.4]]), "other": theirs}
    owners = np.array([7, 7, 9, 7])
    lead = standings(values, n_resamples=400, seed=1, confidence=0.95, owners=owners)["other"].lead
    assert (lead.value, lead.low, lead.high) == pytest.approx((0.2, -0.4, 0.4))
    # user 7 adds (1.2 - 3 * 0.2) / 2 to the lead of all, user 9 (-0.4 - 0.2) / 2; the peer's mean is 0.5
    assert relative_leads(values, "other", owners) == pytest.approx([(0.2 + 0.3) / 0.5, (0.2 - 0.3) / 0.5])
