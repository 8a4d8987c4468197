"""Progressive judging: each event is asked before it is learned, on worlds whose answer is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.types import Hits
from models.updating.progressive import Asked, ask, blocks
from models.updating.update_params import Params
from models.updating.verdict import judge
from tests.support.drifted_clicks import drifted, fitted, recommender_of

PARAMS = Params(least_events=100, bootstrap=200)


@pytest.fixture(scope="module")
def world():
    return drifted()


def asked(world, learned, n_blocks=2):
    """Both sides on every event after the drift; live: fitted on what precedes it."""
    events = rolling_events(world.before, world.after)
    queries, targets = rolling_queries(events, world.before, world.after, world.catalogue.vocabulary)
    times = events["timestamp"].dt.epoch("us").to_numpy().astype(np.int64)
    live = recommender_of(world, fitted(world, world.before))
    return ask(live, learned, queries, targets, times, n_blocks)


def known_until(world, until):
    rows = pl.concat([world.before, world.after])
    return rows.filter(pl.col("timestamp").dt.epoch("us") <= until)


def test_a_block_begins_where_all_before_its_first_event_is_learned():
    times = np.array([10, 20, 20, 20, 30, 90])
    assert [(until, events.tolist()) for until, events in blocks(times, 1)] == [(9, [0, 1, 2, 3, 4, 5])]
    # three events each would part the instant 20: its events stay together, and none of them is learned before
    assert [(until, events.tolist()) for until, events in blocks(times, 2)] == [(9, [0]), (19, [1, 2, 3, 4, 5])]
    assert [(until, events.tolist()) for until, events in blocks(times[:1], 5)] == [(9, [0])]


class Clairvoyant:
    """Offers what the rows that it was fitted on say that the user chooses later: right only if it was told."""

    def __init__(self, world, rows):
        self.later = rows.with_columns(
            item=pl.Series(world.catalogue.vocabulary.positions(rows["item_id"].to_list())),
            time=pl.col("timestamp").dt.epoch("us"),
        )

    def retrieve(self, queries, k):
        items = np.full((len(queries), k), -1, dtype=np.int32)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for query, (user, at) in enumerate(zip(queries.user_ids, queries.at, strict=True)):
            next_act = self.later.filter((pl.col("user_id") == str(user)) & (pl.col("time") > int(at))).head(1)
            if next_act.height:
                items[query, 0], scores[query, 0] = next_act["item"][0], 1.0
        return Hits(items, scores)


@pytest.mark.parametrize("n_blocks", [1, 3])
def test_no_event_was_learned_before_it_was_asked(world, n_blocks):
    told = asked(world, lambda until: {"markov": Clairvoyant(world, known_until(world, until))}, n_blocks)
    assert told.updated.sum() == 0
    every_row = pl.concat([world.before, world.after])
    leak = asked(world, lambda until: {"markov": Clairvoyant(world, every_row)}, n_blocks)
    assert leak.updated.mean() > 0.95  # the check would have seen it


def test_after_a_drift_the_updated_parts_are_preferred(world):
    verdict = judge(asked(world, lambda until: fitted(world, known_until(world, until))), PARAMS)
    assert verdict.releases and verdict.updated.outcome == "superior"
    assert verdict.updated.value > verdict.updated.live and verdict.updated.difference.low > 0
    assert verdict.n_users == 60
    assert "each asked before it was learned" in verdict.updated.sentence
    assert verdict.updated.sentence.endswith("better.")
    assert verdict.learned is not None  # markov and popular are both additive: the sides are the same here
    assert verdict.learned.value == verdict.updated.value
    assert verdict.learned.sentence.endswith("better; it pays here.")


class Counted:
    """A retriever that counts how many queries it is asked."""

    def __init__(self, part):
        self.part, self.n_queries = part, 0

    def retrieve(self, queries, k):
        self.n_queries += len(queries)
        return self.part.retrieve(queries, k)


def test_a_part_that_is_kept_is_asked_each_event_once(world):
    parts = fitted(world, world.before)
    kept, renewed = Counted(parts["popular"]), [Counted(parts["markov"]) for _ in range(2)]
    events = rolling_events(world.before, world.after)
    queries, targets = rolling_queries(events, world.before, world.after, world.catalogue.vocabulary)
    times = events["timestamp"].dt.epoch("us").to_numpy().astype(np.int64)
    live = recommender_of(world, {"popular": kept, "markov": renewed[0]})
    told = ask(live, lambda until: {"popular": kept, "markov": renewed[1]}, queries, targets, times, 2)
    assert [part.n_queries for part in (kept, *renewed)] == [len(times)] * 3
    assert told.updated.tolist() == told.live.tolist()


def test_without_a_drift_the_update_is_not_called_worse_and_hardly_better():
    still = drifted(step_after=1)
    verdict = judge(asked(still, lambda until: fitted(still, known_until(still, until))), PARAMS)
    assert verdict.updated.outcome in ("not_worse", "unclear")
    assert abs(verdict.updated.relative.value) < 0.1


def test_a_broken_update_is_refused(world):
    """Its rows are of other people's items: users and items were parted on the way."""
    rng = np.random.default_rng(0)

    def broken(until):
        rows = known_until(world, until)
        return fitted(world, rows.with_columns(pl.Series("item_id", rng.permutation(rows["item_id"].to_numpy()))))

    still = drifted(step_after=1)
    verdict = judge(asked(still, broken), PARAMS)
    assert verdict.updated.outcome == "worse" and not verdict.releases
    assert verdict.updated.difference.high < 0


def test_with_too_few_events_nothing_is_said_and_nothing_released(world):
    few = Asked(np.array(["a", "b"]), np.array([1.0, 1.0]), np.array([0.0, 0.0]))
    verdict = judge(few, PARAMS)
    assert not verdict.releases
    assert "2 events that the live release has not learned, fewer than the 100" in verdict.updated.sentence
    assert verdict.as_dict()["updated"]["value"] is None


def test_the_interval_is_of_users_and_not_of_events():
    """Ten users whose hundred events agree are ten draws: 8 to 2 is no proof, as 800 to 200 of one each would be."""
    users = np.repeat([f"u{n}" for n in range(10)], 100)
    updated = np.repeat(np.array([1.0] * 6 + [0.0] * 4), 100)
    live = 1.0 - updated
    clustered = judge(Asked(users, updated, live), PARAMS).updated
    single = judge(Asked(np.array([f"u{n}" for n in range(1000)]), updated, live), PARAMS).updated
    assert clustered.difference.value == single.difference.value == pytest.approx(0.2)
    assert clustered.outcome == "unclear"
    assert single.outcome == "superior"


def test_equal_lists_are_not_worse_and_a_small_loss_is_within_the_margin():
    users = np.array([f"u{n}" for n in range(400)])
    live = np.ones(400)
    assert judge(Asked(users, live, live), PARAMS).updated.outcome == "not_worse"
    slightly = live - 0.02  # of every user: the interval is a point at -2 %, and the margin is 5 %
    assert judge(Asked(users, slightly, live), PARAMS).updated.outcome == "not_worse"
    assert judge(Asked(users, slightly, live), PARAMS.model_copy(update={"margin": 0.01})).updated.outcome == "worse"
