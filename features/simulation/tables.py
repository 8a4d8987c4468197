"""Tables: the simulated world as raw tables, and its truth."""

from __future__ import annotations

import polars as pl

from features.reading.raw_tables import RawTables
from features.schema import ITEMS, RELATIONS, USERS
from features.simulation.items import Items
from features.simulation.log import instants, write_exposures, write_log
from features.simulation.parameters import Params
from features.simulation.texts import write_texts
from features.simulation.truth import Truth
from features.simulation.users import AGE_BANDS, COUNTRIES, make_friends
from features.simulation.visits import Sights
from features.simulation.words import GENRES
from features.simulation.world import World


def tables_of(world: World, sights: Sights) -> RawTables:
    """The raw tables of a simulated world."""
    params = world.params
    interactions = write_log(world, sights)
    extras = Truth(world).tables()
    if params.exposures:
        extras["exposures"] = write_exposures(world, sights)
    left, right = make_friends(params, world.users)
    user_ids = pl.Series(world.users.ids.tolist(), dtype=pl.String)
    friends = pl.DataFrame({"user_id": user_ids.gather(left), "friend_id": user_ids.gather(right)})
    users = pl.DataFrame(
        {
            "user_id": user_ids,
            "signed_up_at": instants(world.users.joined_at),
            "country": [COUNTRIES[country] for country in world.users.countries],
            "age_band": [AGE_BANDS[band] for band in world.users.age_bands],
        }
    )
    return RawTables(
        interactions=interactions,
        items=_items(params, world.items),
        users=USERS.check(users.sort("user_id"), source="the simulator"),
        relations=RELATIONS.check(friends.sort("user_id", "friend_id"), source="the simulator"),
        notes=(
            f"simulated {params.days} days of a bookshop with {params.n_users} users and {params.n_items} items "
            f"(seed {params.seed}): {interactions.height} events",
        ),
        extras=extras,
    )


def truth(params: Params) -> Truth:
    """The true preferences in the world of these params, which the tables do not contain."""
    return Truth.of(params)


def _items(params: Params, items: Items) -> pl.DataFrame:
    frame = pl.DataFrame({"item_id": items.ids.tolist()}).hstack(write_texts(params, items))
    frame = frame.with_columns(
        pl.Series("category", [GENRES[genre].name for genre in items.genres], dtype=pl.String),
        pl.Series("price", items.prices, dtype=pl.Float64),
        instants(items.created_at).alias("created_at"),
    )
    return ITEMS.check(frame.sort("item_id"), source="the simulator")
