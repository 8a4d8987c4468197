"""Users of the simulated bookshop: tastes and their drift, frequency of visits, and friends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import Float32, Float64, Int64
from features.simulation.items import FIRST_CIRCLE, FIRST_STYLE, FIRST_THEME, N_CIRCLES, shuffled_ids, unit_rows
from features.simulation.parameters import Params, stream
from features.simulation.words import GENRES, STYLES, THEMES

COUNTRIES = ("DE", "ES", "FR", "GB", "IT", "JP", "US")
AGE_BANDS = ("18-24", "25-34", "35-49", "50-64", "65+")


@dataclass(frozen=True, kw_only=True)
class Users:
    """Arrays in the order of `ids`.

    start_tastes, end_tastes: (n_users, taste_size) unit rows; interests: (n_users, 2, n_interests) attributes that
    a visit may lean towards, at the start and at the end; visits: mean sessions a day (0 for bots);
    thrift: how much a high price puts the person off; genre_profile: (n_users, n_genres) what the shop believes.
    """

    ids: npt.NDArray[np.str_]
    start_tastes: Float32
    end_tastes: Float32
    interests: Int64
    visits: Float64
    thrift: Float32
    hours: Float64
    joined_at: Int64
    countries: Int64
    age_bands: Int64
    is_bot: npt.NDArray[np.bool_]
    genre_profile: Float32


def make_users(params: Params, attributes: Float32) -> Users:
    """The users; ids are in no order of anything."""
    rng = stream(params, "users")
    n_users = params.n_users
    ids = shuffled_ids("u", n_users, rng)
    ages = rng.integers(0, len(AGE_BANDS), n_users)
    leanings = (
        0.8 * rng.standard_normal((len(AGE_BANDS), len(GENRES))) - 0.12 * np.arange(len(GENRES)),
        np.broadcast_to(0.5 * rng.standard_normal(len(THEMES)), (len(AGE_BANDS), len(THEMES))),
    )
    start = _interests(rng, ages, leanings)
    end = np.where(rng.random(start.shape) < 0.5, start, _interests(rng, ages, leanings))
    personal = 0.2 * unit_rows(rng.standard_normal((n_users, params.taste_size)))
    start_tastes = _tastes(start, attributes, personal, params.hidden_share)
    end_tastes = _tastes(end, attributes, personal, params.hidden_share)
    is_bot = rng.permutation(n_users) < round(params.bot_share * n_users)
    visits = params.sessions_a_day * rng.gamma(2.5, 1 / 2.5, n_users)
    is_new = (rng.random(n_users) < params.new_user_share) & ~is_bot
    joined_share = np.where(is_new, rng.random(n_users), 0.0)
    return Users(
        ids=ids,
        start_tastes=start_tastes,
        end_tastes=end_tastes,
        interests=np.stack([start, end], axis=1),
        visits=np.where(is_bot, 0.0, visits),
        thrift=(0.3 * rng.exponential(1.0, n_users)).astype(np.float32),
        hours=rng.choice([7.5, 12.5, 20.0], n_users, p=[0.2, 0.2, 0.6]) + rng.standard_normal(n_users),
        joined_at=params.start_at + (joined_share * params.days * 86_400).astype(np.int64) * 1_000_000,
        countries=rng.integers(0, len(COUNTRIES), n_users),
        age_bands=ages,
        is_bot=is_bot,
        genre_profile=_genre_profile(start_tastes, attributes),
    )


def make_friends(params: Params, users: Users) -> tuple[Int64, Int64]:
    """Pairs of user positions, both directions: of their acquaintances, people befriend those most alike."""
    rng = stream(params, "friends")
    n_users = params.n_users
    n_known = min(24, n_users - 1)
    people = np.arange(n_users)
    acquaintances = (people[:, None] + rng.integers(1, n_users, (n_users, n_known))) % n_users
    alike = np.zeros((n_users, n_known), dtype=np.float32)
    for dimension in range(params.taste_size):
        column = users.start_tastes[:, dimension]
        alike += column[:, None] * column[acquaintances]
    closest = np.argsort(-(alike + 0.1 * rng.standard_normal(alike.shape)), axis=1, kind="stable")
    wanted = rng.poisson(params.friends / 2, n_users)
    wanted[users.is_bot] = 0
    chosen = (np.arange(n_known) < wanted[:, None]) & ~users.is_bot[np.take_along_axis(acquaintances, closest, axis=1)]
    left, rank = np.nonzero(chosen)
    right = acquaintances[left, closest[left, rank]]
    keys = np.unique(np.concatenate([left * n_users + right, right * n_users + left]))
    return keys // n_users, keys % n_users


def _interests(rng: np.random.Generator, ages: Int64, leanings: tuple[Float64, Float64]) -> Int64:
    """(n_users, 7) attributes: two genres, three themes, a style, a circle; age moves the genres."""
    n_users = len(ages)
    genres = _best(rng, leanings[0][ages], 2)
    themes = _best(rng, leanings[1][ages], 3)
    style = rng.integers(0, len(STYLES), (n_users, 1))
    circle = rng.integers(0, N_CIRCLES, (n_users, 1))
    return np.hstack([genres, FIRST_THEME + themes, FIRST_STYLE + style, FIRST_CIRCLE + circle])


def _best(rng: np.random.Generator, logits: Float64, n: int) -> Int64:
    """n different choices for each row, sampled by the logits."""
    return np.argsort(-(logits + rng.gumbel(size=logits.shape)), axis=1, kind="stable")[:, :n]


def _tastes(interests: Int64, attributes: Float32, personal: Float32, hidden: float) -> Float32:
    by_interests = np.zeros_like(personal)
    for column, weight in enumerate((1.2, 0.5, 1.0, 0.5, 0.3, 0.4)):
        by_interests = by_interests + np.float32(weight) * attributes[interests[:, column]]
    hidden_part = attributes[interests[:, 6]]
    return unit_rows((1 - hidden) * unit_rows(by_interests) + hidden * hidden_part + (1 - hidden) * personal)


def _genre_profile(tastes: Float32, attributes: Float32) -> Float32:
    """(n_users, n_genres) shares that sum to 1: a coarse belief, made once at the start and never corrected."""
    logits = np.zeros((len(tastes), len(GENRES)), dtype=np.float32)
    for dimension in range(tastes.shape[1]):
        logits += tastes[:, dimension, None] * attributes[None, : len(GENRES), dimension]
    weights = np.exp(3.0 * logits)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
