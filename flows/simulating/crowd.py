"""The crowd: who comes, what each looks at in a list, chooses and does with it, all by the world's truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Bool, Float32, Float64, Int64
from features.simulation.items import unit_rows
from features.simulation.truth import Truth
from features.simulation.visits import see
from features.simulation.world import World, click_probability
from flows.simulating.arriving_items import seed_of, with_arrivals

MOST_PAGES = 5
UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One visit: tastes (1, taste_size) of its mood; pauses_s: before each further list that the person asks for."""

    number: int
    user: int
    user_id: str
    tastes: Float32
    pauses_s: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """What a person made of one list, one entry a place: chosen; events: (place, kind, value) in their order.

    expected: choices to be expected of it; popular, oracle: of the best list that is the same for everyone, and of the
    best of all, each of the same length and without what the person has chosen before; utility: mean true utility.
    """

    chosen: Bool
    events: list[tuple[int, str, float | None]]
    utility: float
    expected: float
    popular: float
    oracle: float


class Crowd:
    """The people of a world after its last day: their tastes are those of its end.

    Choices are determined by the seed, the number of the visit and page, and the list.

    seed: of this crowd's arrivals and choices, independent of the world's; again: chance that a visitor asks for
    another list; pause_s: mean time before that.
    """

    def __init__(self, world: World, seed: int, *, again: float = 0.4, pause_s: float = 2.0) -> None:
        self.world, self.seed, self.again, self.pause_s = world, seed, again, pause_s
        people = np.flatnonzero(world.users.visits > 0)
        self._people, self._shares = people, np.cumsum(world.users.visits[people]) / world.users.visits[people].sum()
        self._chosen = _chosen_before(world)
        self._by_demand = _by_demand(world, people)
        self._positions = {str(item_id): position for position, item_id in enumerate(world.items.ids)}
        self._offered = set(range(len(world.items.ids)))

    @property
    def n_people(self) -> int:
        return len(self._people)

    def arrivals(self, rate: float, n_visits: int | None = None, seconds: float | None = None) -> list[float]:
        """Instants [s from the start] of a Poisson process of `rate` visits a second: so many, or all before a time."""
        rng = self._rng(0)
        if n_visits is None:
            assert seconds is not None
            n_visits = int(rng.poisson(rate * seconds))
            return sorted(float(at) for at in rng.uniform(0, seconds, n_visits))
        return [float(at) for at in np.cumsum(rng.exponential(1 / rate, n_visits))]

    def visit(self, number: int) -> Visit:
        """The n-th visit."""
        rng, world = self._rng(1, number), self.world
        user = int(self._people[np.searchsorted(self._shares, rng.random())])
        tastes = world.tastes(np.array([user]), world.params.end_at)
        late = int(rng.random() < world.params.drift)
        interest = int(rng.integers(0, world.users.interests.shape[2]))
        lean = world.attributes[world.users.interests[user, late, interest]]
        n_more = min(MOST_PAGES, int(rng.geometric(1 - self.again))) - 1
        return Visit(
            number=number,
            user=user,
            user_id=str(world.users.ids[user]),
            tastes=unit_rows(tastes + np.float32(world.params.mood) * lean),
            pauses_s=tuple(float(pause) for pause in rng.exponential(self.pause_s, n_more)),
        )

    def react(self, visit: Visit, page: int, item_ids: Sequence[str]) -> Reaction:
        """What the visitor makes of the list that is the n-th page of the visit, from 0.

        An item that is not of this world is never chosen, nor is one that the person has chosen before."""
        rng = self._rng(2, visit.number, page)
        items = self.positions(item_ids)
        before = self._chosen.setdefault(visit.user, set())
        mine = np.array([item in before or item == UNKNOWN for item in items.tolist()], dtype=np.bool_)
        utilities = self._utilities(visit, items)
        chance = np.where(mine, 0.0, click_probability(utilities))
        examined = self.examination(len(items))
        chosen: Bool = rng.random(len(items)) < examined * chance
        events = [event for slot in np.flatnonzero(chosen).tolist() for event in _after_choice(rng, slot, utilities)]
        popular, oracle = self._references(visit, before, len(items))
        before.update(items[chosen].tolist())
        return Reaction(
            chosen=chosen,
            events=events,
            utility=float(utilities[items != UNKNOWN].mean()) if (items != UNKNOWN).any() else float("nan"),
            expected=float((examined * chance).sum()),
            popular=popular,
            oracle=oracle,
        )

    def examination(self, n_items: int) -> Float64:
        """(n_items,) probability that each place of a list is looked at: the world's position bias."""
        places = np.arange(1, n_items + 1, dtype=np.float64)
        return np.asarray(places**-self.world.params.position_bias, dtype=np.float64)

    def positions(self, item_ids: Sequence[str]) -> Int64:
        """Positions in the world; UNKNOWN for what is not of it. Arrivals of any seed are of it, and the best list may
        hold them from now on."""
        seeds = {seed_of(item_id) for item_id in item_ids if item_id not in self._positions}
        for seed in sorted(seed for seed in seeds if seed is not None):
            self.world = with_arrivals(self.world, seed)
            self._positions = {str(item_id): position for position, item_id in enumerate(self.world.items.ids)}
        positions = [self._positions.get(item_id, UNKNOWN) for item_id in item_ids]
        self._offered.update(positions)
        return np.array(positions, dtype=np.int64)

    def _utilities(self, visit: Visit, items: Int64) -> Float32:
        utilities: Float32 = self.world.utilities(visit.tastes, np.array([visit.user]), items[None, :])[0]
        return utilities

    def _references(self, visit: Visit, before: set[int], n_items: int) -> tuple[float, float]:
        """Expected choices of the popular list and of the best list."""
        offered = np.array(sorted(self._offered - before - {UNKNOWN}), dtype=np.int64)
        chances = np.zeros(len(self.world.items.ids))
        chances[offered] = click_probability(self._utilities(visit, offered))
        popular = [item for item in self._by_demand[: n_items + len(before)].tolist() if item not in before][:n_items]
        best = -np.sort(-chances)[:n_items]
        examined = self.examination(n_items)
        return (
            float((examined[: len(popular)] * chances[popular]).sum()),
            float((examined[: len(best)] * best).sum()),
        )

    def _rng(self, *purpose: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self.world.params.seed, self.seed, *purpose]))


def _chosen_before(world: World) -> dict[int, set[int]]:
    """User → items chosen in the simulated time."""
    sights = see(world)
    chosen: dict[int, set[int]] = {}
    for user, item in zip(sights.users[sights.chosen].tolist(), sights.items[sights.chosen].tolist(), strict=True):
        chosen.setdefault(user, set()).add(item)
    return chosen


def _by_demand(world: World, people: Int64) -> Int64:
    """Items by the mean true demand of all people at the end: the best list that is the same for everyone."""
    truth = Truth(world)
    ids = [str(user_id) for user_id in world.users.ids[people]]
    total = np.zeros(len(world.items.ids))
    for first in range(0, len(ids), 500):
        total += truth.demand(ids[first : first + 500], world.params.end_at - 1).sum(axis=0)
    return np.argsort(-total, kind="stable")


def _after_choice(rng: np.random.Generator, slot: int, utilities: Float32) -> list[tuple[int, str, float | None]]:
    """A view; liked items are often finished, and some of these get stars: as in features/simulation/log.py."""
    liking = float(utilities[slot])
    events: list[tuple[int, str, float | None]] = [(slot, "view", None)]
    if rng.random() < 1 / (1 + np.exp(5.5 - liking)):
        events.append((slot, "finish", None))
        if rng.random() < 0.4:
            stars = float(np.clip(np.rint(0.6 + 0.5 * liking + 0.8 * rng.standard_normal()), 1, 5))
            events.append((slot, "like", stars))
    return events
