"""What people and bots of the simulated world do: position bias, known chances, drift, fashions, friends, bots."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.arrays import MICROSECONDS_A_DAY
from features.simulation.log import EXPOSURES
from features.simulation.scenario import small
from features.simulation.tables import truth
from features.simulation.visits import Shelf
from features.simulation.world import World
from features.sources.simulator import read

PARAMS = small(5, n_users=400)
TABLES = read(PARAMS)
TRUTH = truth(PARAMS)
EXPOSED = TABLES.extras["exposures"]
START, END = PARAMS.start_at, PARAMS.end_at


def test_exposures_fit_their_table_and_every_propensity_is_a_chance():
    EXPOSURES.check(EXPOSED, source="the test")
    chances = EXPOSED.get_column("propensity")
    assert chances.min() > 0
    assert chances.max() <= 1


def test_clicks_of_exposures_are_views_of_the_interactions():
    clicks = EXPOSED.filter(pl.col("clicked"))
    views = TABLES.interactions.filter(pl.col("event") == "view")
    lost = clicks.join(views, on=["user_id", "item_id", "timestamp"], how="anti")
    assert clicks.height > 300
    assert lost.height < 0.02 * clicks.height  # only what became known after the end of the world


def test_position_bias_is_visible_in_the_clicks():
    rates = EXPOSED.group_by("position").agg(pl.col("clicked").mean()).sort("position").get_column("clicked")
    expected = 10**-0.7  # slot 10 is looked at a fifth as often as slot 1
    assert rates[9] / rates[0] == pytest.approx(expected, abs=0.1)
    assert rates[0] > rates[2] > rates[9]


def test_without_position_bias_all_slots_are_alike():
    fair = read(small(5, n_users=400, position_bias=0)).extras["exposures"]
    rates = fair.group_by("position").agg(pl.col("clicked").mean()).sort("position").get_column("clicked")
    assert rates[9] / rates[0] == pytest.approx(1, abs=0.2)


def test_slots_draw_items_with_the_chances_that_are_written_down():
    world = World.make(PARAMS)
    shelf = Shelf.of(world, START + 20 * MICROSECONDS_A_DAY)
    user = np.array([7])
    chances = shelf.probability(user, np.arange(PARAMS.n_items)[None, :])[0]
    assert chances.sum() == pytest.approx(1)
    drawn = shelf.draw(np.random.default_rng(0), user, 200_000)[0]
    seen = np.bincount(drawn, minlength=PARAMS.n_items)
    assert (seen[chances == 0] == 0).all()
    sold = chances > 0
    spread = np.sqrt(200_000 * chances[sold])
    assert np.abs((seen[sold] - 200_000 * chances[sold]) / spread).max() < 5


def test_inverse_propensities_recover_the_click_rate_of_a_uniform_home_page():
    """A page drawn uniformly would be clicked at slot 1 as often as people like items on average (the first slot of a
    page is always looked at); weighing the logged clicks says so without having shown such a page."""
    world = read(small(9, n_users=600, mood=0, drift=0, searches=0, sessions_a_day=0.1, new_item_share=0))
    known = truth(small(9, n_users=600, mood=0, drift=0, searches=0, sessions_a_day=0.1, new_item_share=0))
    first = world.extras["exposures"].filter(pl.col("position") == 1)
    weights = 1 / (first.get_column("propensity").to_numpy() * 120)
    clicked = first.get_column("clicked").to_numpy()
    estimate = (weights * clicked).sum() / weights.sum()
    visitors = first.get_column("user_id").to_list()
    expected = known.preferences(visitors, START).mean()
    naive = clicked.mean()
    assert estimate == pytest.approx(expected, rel=0.2)
    assert abs(estimate - expected) < abs(naive - expected) / 2


def test_a_page_shows_an_item_once_and_never_what_was_chosen_before():
    assert EXPOSED.select("page_id", "item_id").is_duplicated().sum() == 0
    firsts = EXPOSED.filter(pl.col("clicked")).select("user_id", "item_id", chosen_at="timestamp")
    again = EXPOSED.join(firsts, on=["user_id", "item_id"]).filter(pl.col("timestamp") > pl.col("chosen_at"))
    assert again.is_empty()


def test_visits_are_sessions_with_gaps_between_them():
    person = TABLES.interactions.filter(pl.col("event") == "view").group_by("user_id").len().sort("len")
    busiest = person.filter(~pl.col("user_id").is_in(TRUTH.bots)).get_column("user_id")[-1]
    times = TABLES.interactions.filter((pl.col("user_id") == busiest) & (pl.col("event") == "view"))
    gaps = np.diff(times.get_column("timestamp").dt.epoch("s").to_numpy())
    assert (gaps < 1800).mean() > 0.5
    assert (gaps > 6 * 3600).sum() >= 5


def test_bots_are_there_and_behave_like_bots():
    bots = TABLES.interactions.filter(pl.col("user_id").is_in(TRUTH.bots))
    assert bots.get_column("user_id").n_unique() == len(TRUTH.bots) == 4
    count = dict(bots.group_by("user_id").len().iter_rows())
    crawlers = [user_id for user_id, n in count.items() if n >= 0.9 * PARAMS.crawl_events]
    assert crawlers
    paid = bots.filter(pl.col("event") == "like")
    assert (paid.get_column("value") == 5).all()
    assert paid.get_column("item_id").n_unique() <= 30


def test_bots_have_no_friends_and_friends_are_alike():
    friends = TABLES.relations
    assert not set(friends.get_column("user_id")) & set(TRUTH.bots)
    assert friends.join(friends.select(user_id="friend_id", friend_id="user_id"), on=friends.columns).height == (
        friends.height
    )
    tastes = TRUTH.world.users.start_tastes
    left, right = (
        TRUTH.users(friends.get_column("user_id").to_list()),
        TRUTH.users(friends.get_column("friend_id").to_list()),
    )
    strangers = np.random.default_rng(0).permutation(right)
    assert (tastes[left] * tastes[right]).sum(axis=1).mean() > (tastes[left] * tastes[strangers]).sum(
        axis=1
    ).mean() + 0.1


def test_tastes_drift_and_stand_still_without_drift():
    users = TRUTH.user_ids[:50]
    assert np.corrcoef(TRUTH.preferences(users, START).ravel(), TRUTH.preferences(users, END).ravel())[0, 1] < 0.98
    still = truth(small(5, n_users=400, drift=0))
    np.testing.assert_array_equal(still.preferences(users, START), still.preferences(users, END))


def test_fashions_lift_a_theme_for_some_days():
    world = TRUTH.world
    by_day = np.array([world.waves.at(day) for day in range(PARAMS.days)])
    assert by_day.min() >= 0
    assert (by_day.max(axis=0) - by_day.min(axis=0)).mean() > 0.5
    theme = int(np.argmax(by_day.max(axis=0)))
    peak = int(np.argmax(by_day[:, theme]))
    assert by_day[peak, theme] > by_day[(peak + PARAMS.days // 2) % PARAMS.days, theme]
