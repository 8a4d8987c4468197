"""Shelf: the items on sale on one day, and the known chances with which the shop puts them before people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.simulation.items import Float64, Int64, attention
from features.simulation.parameters import MICROSECONDS_A_DAY
from features.simulation.words import GENRES
from features.simulation.world import World


@dataclass(frozen=True)
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
        place = np.full(len(world.items.ids), -1, dtype=np.int64)
        place[items] = np.arange(len(items))
        first = np.searchsorted(world.items.genres[items], np.arange(len(GENRES) + 1))
        share = weights / weights.sum()
        return cls(world, items, share, np.concatenate([[0.0], np.cumsum(share)]), place, first)

    def draw(self, rng: np.random.Generator, users: Int64, size: int) -> Int64:
        """(n_users, size) positions in the world, each slot by itself, with the chances of `probability`."""
        params = self.world.params
        way, where = rng.random((len(users), size)), rng.random((len(users), size))
        genre = self._genres(rng, users, size)
        by_genre = way < params.home_uniform + params.home_genre
        first = np.where(by_genre, self.first[genre], 0)
        last = np.where(by_genre, self.first[genre + 1], len(self.items))
        low, high = self.running[first], self.running[last]
        weighed = np.searchsorted(self.running, low + where * (high - low), side="right") - 1
        uniform = (where * len(self.items)).astype(np.int64)
        place = np.where(way < params.home_uniform, uniform, np.clip(weighed, first, last - 1))
        return np.asarray(self.items[place], dtype=np.int64)

    def probability(self, users: Int64, items: Int64) -> Float64:
        """(n, m): chance that a slot of row n's user draws items (n, m) or (1, m); 0 for an item not on sale."""
        params = self.world.params
        place = self.place[items]
        share = np.where(place >= 0, self.share[place], 0.0)
        genre = self.world.items.genres[items]
        genre_share = (self.running[self.first[1:]] - self.running[self.first[:-1]])[genre]
        within = share / np.where(genre_share > 0, genre_share, 1.0)
        chance = params.home_genre * self._profile(users)[np.arange(len(users))[:, None], genre] * within
        chance += (1 - params.home_uniform - params.home_genre) * share
        chance += params.home_uniform / len(self.items)
        return np.asarray(np.where(place >= 0, chance, 0.0), dtype=np.float64)

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
