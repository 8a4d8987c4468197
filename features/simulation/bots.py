"""Bots: crawlers that view without taste, and paid accounts that praise chosen items in bursts."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from features.arrays import MICROSECONDS_A_DAY, MICROSECONDS_A_SECOND, Float64, Int32, Int64
from features.simulation.parameters import stream
from features.simulation.world import World

N_PRAISED = 15
N_CAMPAIGNS = 2


@dataclass(frozen=True, kw_only=True)
class Acts:
    """What was done, one entry an act; `events` are positions in `log.EVENTS`; values NaN where there is none."""

    users: Int32 | Int64
    items: Int32 | Int64
    times: Int64
    events: npt.NDArray[np.int8]
    values: Float64


def act(world: World, view: int, like: int) -> Acts:
    """All acts of the bots; `view` and `like`: the codes of the events they use."""
    rng = stream(world.params, "bots")
    bots = np.flatnonzero(world.users.is_bot)
    n_crawlers = (len(bots) + 3) // 4
    parts = [_crawl(world, rng, bot, view) for bot in bots[:n_crawlers]]
    for _ in range(N_CAMPAIGNS if len(bots) > n_crawlers else 0):
        parts += _praise(world, rng, bots[n_crawlers:], view, like)
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Acts(users=none, items=none, times=none, events=none.astype(np.int8), values=none.astype(np.float64))
    return Acts(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Acts)})


def _crawl(world: World, rng: np.random.Generator, bot: int, view: int) -> Acts:
    """One day of views at an even pace, any item alike."""
    params = world.params
    start, on_sale = _some_day(world, rng)
    pace = (MICROSECONDS_A_DAY // 2) // params.crawl_events
    times = start + np.arange(params.crawl_events) * pace
    n = params.crawl_events
    return Acts(
        users=np.full(n, bot),
        items=rng.choice(on_sale, n),
        times=times,
        events=np.full(n, view, dtype=np.int8),
        values=np.full(n, np.nan),
    )


def _praise(world: World, rng: np.random.Generator, bots: Int64, view: int, like: int) -> list[Acts]:
    """One campaign: within an hour each account views and likes the same few items, a second apart."""
    start, on_sale = _some_day(world, rng)
    praised = rng.choice(on_sale, min(N_PRAISED, len(on_sale)), replace=False)
    acts = []
    for bot in bots:
        items = np.repeat(rng.permutation(praised), 2)
        first = start + int(rng.integers(0, 3600)) * MICROSECONDS_A_SECOND
        times = first + np.cumsum(rng.integers(1, 4, len(items))) * MICROSECONDS_A_SECOND
        events = np.tile(np.array([view, like], dtype=np.int8), len(praised))
        acts.append(
            Acts(
                users=np.full(len(items), bot),
                items=items,
                times=times,
                events=events,
                values=np.where(events == like, 5.0, np.nan),
            )
        )
    return acts


def _some_day(world: World, rng: np.random.Generator) -> tuple[int, Int64]:
    """Six in the morning of a random day, and the items on sale then."""
    params = world.params
    start = params.start_at + int(rng.integers(params.days)) * MICROSECONDS_A_DAY
    start += 6 * 3600 * MICROSECONDS_A_SECOND
    return start, np.flatnonzero(world.items.created_at <= start)
