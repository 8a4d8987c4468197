"""Visits, day by day: who comes, what the home page shows, what visitors choose from it and search for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from features.arrays import MICROSECONDS_A_DAY, MICROSECONDS_A_SECOND, Float32, Float64, Int32, Int64
from features.simulation.items import attention, unit_rows
from features.simulation.parameters import stream
from features.simulation.words import GENRES
from features.simulation.world import World, click_probability


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Items on sale at the start of a day, ordered by genre. Three ways to draw: uniformly, by popularity, by genre.

    items: positions in the world; share: popularity within the shelf, sums to 1; place: position of an item
    of the world on the shelf, -1 when absent; first: (n_genres + 1,) where each genre begins.
    """

    world: World
    items: Int64
    share: Float64
    running: Float64
    place: Int64
    first: Int64

    @classmethod
    def of(cls, world: World, at: int) -> Shelf:
        """The shelf at an instant [µs]; the day's waves are those of its noon."""
        on_sale = np.flatnonzero(world.items.created_at <= at)
        items = on_sale[np.argsort(world.items.genres[on_sale], kind="stable")]
        weights = np.exp(attention(world.items, world.waves, at + MICROSECONDS_A_DAY // 2, world.params, items))
        positions = np.full(len(world.items.ids), -1, dtype=np.int64)
        positions[items] = np.arange(len(items))
        first = np.searchsorted(world.items.genres[items], np.arange(len(GENRES) + 1))
        share = weights / weights.sum()
        return cls(
            world=world,
            items=items,
            share=share,
            running=np.concatenate([[0.0], np.cumsum(share)]),
            place=positions,
            first=first,
        )

    def draw(self, rng: np.random.Generator, users: Int64, size: int) -> Int64:
        """(n_users, size) positions in the world, each slot drawn independently by `probability`."""
        params = self.world.params
        way, where = rng.random((len(users), size)), rng.random((len(users), size))
        genre = self._genres(rng, users, size)
        by_genre = way < params.home_uniform + params.home_genre
        first = np.where(by_genre, self.first[genre], 0)
        last = np.where(by_genre, self.first[genre + 1], len(self.items))
        low, high = self.running[first], self.running[last]
        weighed = np.searchsorted(self.running, low + where * (high - low), side="right") - 1
        uniform = (where * len(self.items)).astype(np.int64)
        positions = np.where(way < params.home_uniform, uniform, np.clip(weighed, first, last - 1))
        return np.asarray(self.items[positions], dtype=np.int64)

    def probability(self, users: Int64, items: Int64) -> Float64:
        """(n, m): chance that a slot of row n's user draws items (n, m) or (1, m); 0 for an item not on sale."""
        params = self.world.params
        positions = self.place[items]
        share = np.where(positions >= 0, self.share[positions], 0.0)
        genre = self.world.items.genres[items]
        genre_share = (self.running[self.first[1:]] - self.running[self.first[:-1]])[genre]
        within = share / np.where(genre_share > 0, genre_share, 1.0)
        chance = params.home_genre * self._profile(users)[np.arange(len(users))[:, None], genre] * within
        chance += (1 - params.home_uniform - params.home_genre) * share
        chance += params.home_uniform / len(self.items)
        return np.asarray(np.where(positions >= 0, chance, 0.0), dtype=np.float64)

    def _profile(self, users: Int64) -> Float64:
        """(n_users, n_genres) what the shop believes of them, over the genres that are on sale."""
        belief = self.world.users.genre_profile[users] * (np.diff(self.first) > 0)
        return np.asarray(belief / belief.sum(axis=1, keepdims=True), dtype=np.float64)

    def _genres(self, rng: np.random.Generator, users: Int64, size: int) -> Int64:
        running = np.cumsum(self._profile(users), axis=1)
        last_on_sale = np.flatnonzero(np.diff(self.first) > 0)[-1]
        draw = rng.random((len(users), size))
        genre = np.zeros((len(users), size), dtype=np.int8)
        for column in range(len(GENRES) - 1):
            genre += draw >= running[:, column, None]
        return np.asarray(np.minimum(genre.astype(np.int64), last_on_sale), dtype=np.int64)


WEEKDAYS = (0.9, 0.85, 0.85, 0.9, 1.05, 1.25, 1.2)
VISITS_AT_ONCE = 20_000
SEARCHED = -1


@dataclass(frozen=True, kw_only=True)
class Sights:
    """Every (person, item) contact, one entry a contact.

    slots: position on the home page from 1, or SEARCHED for an item that the person looked up (then always chosen);
    propensities: chance that the slot drew the item, NaN when searched; visits: number of the visit;
    utilities: how the person liked the item then.
    """

    users: Int32
    items: Int32
    times: Int64
    visits: Int32
    slots: npt.NDArray[np.int16]
    propensities: Float32
    chosen: npt.NDArray[np.bool_]
    utilities: Float32

    def take(self, which: Int64 | npt.NDArray[np.bool_]) -> Sights:
        """Some of the entries."""
        return Sights(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    @classmethod
    def join(cls, parts: list[Sights]) -> Sights:
        """All entries of several."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )


def examination(world: World) -> Float64:
    """(page_size,) probability that a visitor looks at each slot: the position bias."""
    slots = np.arange(1, world.params.page_size + 1, dtype=np.float64)
    return np.asarray(slots**-world.params.position_bias, dtype=np.float64)


def see(world: World) -> Sights:
    """All contacts in the simulated time, in no promised order; a slot that draws what the page shows already, or
    what the person chose before, stays empty."""
    params = world.params
    rng = stream(params, "visits")
    parts: list[Sights] = []
    n_visits = 0
    for day in range(params.days):
        midnight = params.start_at + day * MICROSECONDS_A_DAY
        shelf = Shelf.of(world, midnight)
        expected = world.users.visits * WEEKDAYS[(params.start.weekday() + day) % 7]
        arrived = np.where(world.users.joined_at <= midnight, rng.poisson(expected), 0)
        visitors = np.repeat(np.arange(params.n_users), arrived)
        for first in range(0, len(visitors), VISITS_AT_ONCE):
            users = visitors[first : first + VISITS_AT_ONCE]
            numbers = np.arange(n_visits, n_visits + len(users))
            n_visits += len(users)
            parts.extend(_visit(world, shelf, rng, users, numbers, midnight))
    sights = Sights.join(parts)
    return sights.take(_possible(sights))


def _visit(
    world: World, shelf: Shelf, rng: np.random.Generator, users: Int64, numbers: Int64, midnight: int
) -> Iterator[Sights]:
    """One visit of each of the users on one day."""
    params = world.params
    hours = np.mod(world.users.hours[users] + 1.5 * rng.standard_normal(len(users)), 24)
    starts = midnight + (hours * 3600).astype(np.int64) * MICROSECONDS_A_SECOND
    tastes = _in_the_mood(world, rng, users, starts)

    items = shelf.draw(rng, users, params.page_size)
    utilities = world.utilities(tastes, users, items)
    chosen = rng.random(items.shape) < examination(world) * click_probability(utilities)
    steps = np.cumsum(rng.integers(2, 15, items.shape), axis=1) * MICROSECONDS_A_SECOND
    filled = np.ones(items.shape, dtype=np.bool_)
    for slot in range(1, params.page_size):
        filled[:, slot] = (items[:, :slot] != items[:, slot, None]).all(axis=1)
    kept = filled if params.exposures else filled & chosen
    page = np.broadcast_to(np.arange(1, params.page_size + 1, dtype=np.int16), items.shape)
    row, _ = np.nonzero(kept)
    yield Sights(
        users=users[row].astype(np.int32),
        items=items[kept].astype(np.int32),
        times=(starts[:, None] + steps)[kept],
        visits=numbers[row].astype(np.int32),
        slots=page[kept],
        propensities=shelf.probability(users, items)[kept].astype(np.float32),
        chosen=chosen[kept],
        utilities=utilities[kept],
    )

    row = np.repeat(np.arange(len(users)), rng.poisson(params.searches, len(users)))
    pool = shelf.draw(rng, users[row], params.search_pool)
    utilities = world.utilities(tastes[row], users[row], pool)
    best = np.argmax(utilities + rng.gumbel(size=pool.shape).astype(np.float32), axis=1)[:, None]
    nth = np.arange(len(row)) - np.searchsorted(row, row)
    delays = (180 + nth * 240 + rng.integers(0, 200, len(row))) * MICROSECONDS_A_SECOND
    yield Sights(
        users=users[row].astype(np.int32),
        items=np.take_along_axis(pool, best, axis=1)[:, 0].astype(np.int32),
        times=starts[row] + delays,
        visits=numbers[row].astype(np.int32),
        slots=np.full(len(row), SEARCHED, dtype=np.int16),
        propensities=np.full(len(row), np.nan, dtype=np.float32),
        chosen=np.ones(len(row), dtype=np.bool_),
        utilities=np.take_along_axis(utilities, best, axis=1)[:, 0],
    )


def _in_the_mood(world: World, rng: np.random.Generator, users: Int64, at: Int64) -> Float32:
    """Tastes of one visit: the person's own, leaning towards one of their interests of that time."""
    params = world.params
    passed = (at - params.start_at) / (params.end_at - params.start_at)
    late = (rng.random(len(users)) < passed * params.drift).astype(np.int64)
    which = rng.integers(0, world.users.interests.shape[2], len(users))
    lean = world.attributes[world.users.interests[users, late, which]]
    return unit_rows(world.tastes(users, at) + np.float32(params.mood) * lean)


def _possible(sights: Sights) -> Int64:
    """Entries that can have happened: nobody meets again what they have chosen."""
    order = np.lexsort((sights.slots, sights.times, sights.items, sights.users))
    users, items, chosen = sights.users[order], sights.items[order], sights.chosen[order]
    first = np.concatenate([[True], (users[1:] != users[:-1]) | (items[1:] != items[:-1])])
    before: Int64 = np.cumsum(chosen) - chosen
    before -= before[first][np.cumsum(first) - 1]
    return np.sort(order[before == 0])
