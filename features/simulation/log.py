"""The simulated log: interactions (view, finish, like with stars) and exposures with their propensities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import MICROSECONDS_A_SECOND, Int32, Int64
from features.schema import INTERACTIONS
from features.simulation.bots import Acts, act
from features.simulation.parameters import Params, stream
from features.simulation.visits import SEARCHED, Sights
from features.simulation.world import World
from features.table import Table, type_of_time

EVENTS = ("view", "finish", "like", "impression")
VIEW, FINISH, LIKE, IMPRESSION = range(4)

EXPOSURES = Table(
    "exposures",
    {
        "page_id": pl.String,
        "user_id": pl.String,
        "item_id": pl.String,
        "timestamp": type_of_time,
        "position": pl.Int64,
        "propensity": pl.Float64,
        "clicked": pl.Boolean,
    },
    key=("page_id", "item_id"),
    required=("page_id", "user_id", "item_id", "timestamp", "position", "propensity", "clicked"),
)


def write_log(world: World, sights: Sights) -> pl.DataFrame:
    """INTERACTIONS in time order: everything that happened and was known within the simulated time."""
    params = world.params
    parts = [_after_choice(params, sights.take(sights.chosen)), act(world, VIEW, LIKE)]
    if params.impressions:
        parts.append(_impressions(sights.take(~sights.chosen)))
    users, items, times, events, values = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("users", "items", "times", "events", "values")
    )
    rng = stream(params, "knowledge")
    hours_late = rng.exponential(6.0, len(users)) * (rng.random(len(users)) < params.late_share)
    known_at = times + (hours_late * 3600).astype(np.int64) * MICROSECONDS_A_SECOND
    order = np.lexsort((events, items, users, times))
    order = order[known_at[order] < params.end_at]
    event_names = pl.Series(EVENTS, dtype=pl.String)
    return INTERACTIONS.check(
        pl.DataFrame(
            {
                "user_id": _names(world.users.ids, users[order]),
                "item_id": _names(world.items.ids, items[order]),
                "timestamp": instants(times[order]),
                "event": event_names.gather(events[order].astype(np.uint32)),
                "value": pl.Series(values[order]).fill_nan(None),
                "known_at": instants(known_at[order]),
            }
        ),
        source="the simulator",
    )


def write_exposures(world: World, sights: Sights) -> pl.DataFrame:
    """EXPOSURES in time order: what home pages showed, with the probability that the slot drew the item."""
    home = sights.take((sights.slots != SEARCHED) & (sights.times < world.params.end_at))
    home = home.take(np.lexsort((home.slots, home.visits, home.times)))
    return EXPOSURES.check(
        pl.DataFrame(
            {
                "page_id": pl.Series(home.visits).cast(pl.String),
                "user_id": _names(world.users.ids, home.users),
                "item_id": _names(world.items.ids, home.items),
                "timestamp": instants(home.times),
                "position": home.slots.astype(np.int64),
                "propensity": home.propensities.astype(np.float64),
                "clicked": home.chosen,
            }
        ),
        source="the simulator",
    )


def instants(microseconds: Int64) -> pl.Series:
    """Microseconds since 1970 as the tables' type of time."""
    return pl.Series(microseconds, dtype=pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _after_choice(params: Params, chosen: Sights) -> Acts:
    """Each choice is a view; liked items are often finished, and some of these get stars (1 to 5)."""
    rng = stream(params, "reading")
    n = len(chosen.users)
    liking = chosen.utilities.astype(np.float64)
    finished = rng.random(n) < 1 / (1 + np.exp(5.5 - liking))
    liked = finished & (rng.random(n) < 0.4)
    stars = np.clip(np.rint(0.6 + 0.5 * liking + 0.8 * rng.standard_normal(n)), 1, 5)
    finish_at = chosen.times + (60 + rng.exponential(1500, n)).astype(np.int64) * MICROSECONDS_A_SECOND
    like_at = finish_at + (10 + rng.exponential(120, n)).astype(np.int64) * MICROSECONDS_A_SECOND
    steps = ((slice(None), chosen.times, VIEW), (finished, finish_at, FINISH), (liked, like_at, LIKE))
    return Acts(
        users=np.concatenate([chosen.users[which] for which, _, _ in steps]),
        items=np.concatenate([chosen.items[which] for which, _, _ in steps]),
        times=np.concatenate([times[which] for which, times, _ in steps]),
        events=np.concatenate([np.full(len(times[which]), event, dtype=np.int8) for which, times, event in steps]),
        values=np.concatenate(
            [stars[which] if event == LIKE else np.full(len(stars[which]), np.nan) for which, _, event in steps]
        ),
    )


def _impressions(ignored: Sights) -> Acts:
    n = len(ignored.users)
    return Acts(
        users=ignored.users,
        items=ignored.items,
        times=ignored.times,
        events=np.full(n, IMPRESSION, dtype=np.int8),
        values=np.full(n, np.nan),
    )


def _names(ids: npt.NDArray[np.str_], positions: Int32 | Int64) -> pl.Series:
    return pl.Series(ids.tolist(), dtype=pl.String).gather(positions.astype(np.uint32))
