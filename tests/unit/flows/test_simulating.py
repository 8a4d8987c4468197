"""The simulated crowd: choices by the world's truth, position bias, arrivals, and what is counted of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from features.errors import UserError
from features.simulation.scenario import small
from features.simulation.world import World
from flows.simulating.arriving_items import announcements, arriving_id, seed_of, with_arrivals
from flows.simulating.crowd import Crowd, Reaction
from flows.simulating.simulation import world_params
from flows.simulating.tally import Tally
from flows.simulating.visiting import client_of


@pytest.fixture(scope="module")
def world() -> World:
    return World.make(small(3, n_users=60, n_items=60))


@pytest.fixture
def crowd(world: World) -> Crowd:
    return Crowd(world, seed=1)


def lists(world: World, n: int) -> list[list[str]]:
    rng = np.random.default_rng(0)
    return [[str(item) for item in rng.permutation(world.items.ids)[:10]] for _ in range(n)]


def test_the_same_seed_and_lists_give_the_same_visits_and_choices(world):
    shown = lists(world, 40)

    def choices(seed: int) -> list[tuple[str, list[bool], int]]:
        crowd = Crowd(world, seed)
        visits = [crowd.visit(number) for number in range(40)]
        reactions = [crowd.react(visit, 0, shown[visit.number]) for visit in visits]
        return [
            (visit.user_id, reaction.chosen.tolist(), len(reaction.events))
            for visit, reaction in zip(visits, reactions, strict=True)
        ]

    assert choices(1) == choices(1)
    assert choices(1) != choices(2)


def test_a_choice_depends_on_the_list_and_the_page_not_on_other_visits(world):
    alone, busy = Crowd(world, 1), Crowd(world, 1)
    shown = lists(world, 30)
    for number in range(29):
        busy.react(busy.visit(number), 0, shown[number])
    mine = [crowd.react(crowd.visit(29), 2, shown[29]).events for crowd in (alone, busy)]
    before = busy.visit(29).user in {busy.visit(number).user for number in range(29)}
    assert before or mine[0] == mine[1]


def test_bots_never_come_and_frequent_visitors_come_most(world, crowd):
    visitors = Counter(crowd.visit(number).user for number in range(1500))
    assert not {user for user in visitors if world.users.is_bot[user]}
    most = np.argmax(world.users.visits)
    assert visitors[int(most)] > np.mean(list(visitors.values()))


def test_a_place_further_down_is_looked_at_less(crowd):
    """position_bias 0.7: place 1 always, place 2 with 2^-0.7 = 0.616, place 10 with 10^-0.7 = 0.200."""
    assert crowd.examination(10)[[0, 1, 9]] == pytest.approx([1.0, 0.6156, 0.1995], abs=1e-4)


def test_items_of_another_world_and_items_chosen_before_are_never_chosen(world, crowd):
    foreign = crowd.react(crowd.visit(0), 0, ["x1", "x2"])
    assert not foreign.chosen.any()
    assert foreign.expected == 0
    assert np.isnan(foreign.utility)
    everything = [str(item_id) for item_id in world.items.ids]
    n_chosen = 0
    for number in range(20):
        first = crowd.react(crowd.visit(number), 1, everything)
        again = crowd.react(crowd.visit(number), 2, everything)
        n_chosen += int(first.chosen.sum())
        assert not (first.chosen & again.chosen).any()
    assert n_chosen > 0


def test_no_list_is_expected_to_give_more_choices_than_the_best_one(world, crowd):
    for number, shown in enumerate(lists(world, 30)):
        reaction = crowd.react(crowd.visit(number), 0, shown)
        assert 0 <= reaction.expected <= reaction.oracle + 1e-9
        assert reaction.popular <= reaction.oracle + 1e-9


def test_every_choice_is_a_view_and_only_liked_ones_have_stars(world, crowd):
    events = [
        event
        for number, shown in enumerate(lists(world, 60))
        for event in crowd.react(crowd.visit(number), 0, shown).events
    ]
    kinds = Counter(kind for _, kind, _ in events)
    assert kinds["view"] > kinds["finish"] > kinds["like"] > 0
    assert {kind for _, kind, value in events if value is not None} == {"like"}
    assert {value for _, kind, value in events if kind == "like"} <= {1.0, 2.0, 3.0, 4.0, 5.0}


def test_arrivals_of_a_number_and_of_a_time_are_random_with_the_wanted_rate(crowd):
    at = crowd.arrivals(10, n_visits=2000)
    assert len(at) == 2000
    assert at[-1] == pytest.approx(200, rel=0.1)
    within = crowd.arrivals(10, seconds=100)
    assert len(within) == pytest.approx(1000, rel=0.15)
    assert all(0 <= instant < 100 for instant in within)


def test_new_items_are_told_by_their_ids_and_leave_the_worlds_own_as_they_are(world):
    longer = with_arrivals(world, 7)
    assert longer.items.ids[:60].tolist() == world.items.ids.tolist()
    assert longer.items.ids[60] == arriving_id(7, 0) == "new7x00"
    assert [seed_of("new7x00"), seed_of("b017"), seed_of("new7")] == [7, None, None]
    assert longer.items.vectors.shape == (world.params.taste_size, 160)
    assert np.array_equal(longer.items.vectors[:, :60], world.items.vectors)
    twice = with_arrivals(with_arrivals(world, 8), 7)
    assert np.array_equal(twice.items.price_z[-100:], longer.items.price_z[-100:])
    announced = announcements(world, 7, 3)
    assert [item["item_id"] for item in announced] == ["new7x00", "new7x01", "new7x02"]
    assert all(item["title"] and item["tags"] and item["price"] > 0 for item in announced)


def test_the_best_list_holds_a_new_item_only_from_its_announcement_on(world, crowd):
    visit = crowd.visit(0)
    before = crowd.react(visit, 0, lists(world, 1)[0]).oracle
    best_new = max(range(100), key=lambda number: _liking(crowd, visit, arriving_id(9, number)))
    fresh = Crowd(world, seed=1)
    assert fresh.react(visit, 0, lists(world, 1)[0]).oracle == before
    fresh.positions([arriving_id(9, best_new)])
    assert fresh.react(visit, 3, lists(world, 1)[0]).oracle >= before * 0.9


def _liking(crowd: Crowd, visit, item_id: str) -> float:
    return float(crowd._utilities(visit, crowd.positions([item_id]))[0])


def test_the_report_has_a_line_for_each_tenth_of_the_time_and_one_for_all() -> None:
    tally = Tally(n_visits=2, n_requests=5)
    tally.announced["new1x00"] = 1.0
    answer = {"release": "r1", "fallback": None}
    for at, taken in ((0.0, True), (9.9, False)):
        reaction = Reaction(
            chosen=np.array([taken, False]), events=[], utility=2.0, expected=1.0, popular=0.5, oracle=4.0
        )
        tally.add(at, 20.0, answer, ["b1", "new1x00"], reaction)
    first, last = tally.windows()
    assert (first["hit_rate"], last["hit_rate"]) == (1.0, 0.0)
    assert first["of_oracle"] == 0.25
    text = tally.text()
    assert "1 new items: 1 were shown" in text
    assert text.splitlines()[-1].split()[:3] == ["all", "2", "0.500"]
    assert tally.as_json()["total"]["expected"] == 1.0


def test_other_data_than_simulated_ones_are_refused() -> None:
    assert world_params({"name": "simulator", "simulator": {"seed": 4}}).seed == 4
    with pytest.raises(UserError, match="source.name is 'movielens'"):
        world_params({"name": "movielens"})


@pytest.mark.parametrize("url", ["127.0.0.1:3000", "ftp://x", "http://", ""])
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="--url"):
        client_of(url)
