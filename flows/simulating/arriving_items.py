"""Items that come to a simulated shop after its simulated time: made of the same attributes, told by their ids."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import numpy as np

from features.simulation.items import Items, make_items
from features.simulation.parameters import Params
from features.simulation.texts import write_texts
from features.simulation.words import GENRES
from features.simulation.world import World

BLOCK = 100  # items of one seed
ID = re.compile(r"new(\d+)x(\d{2})")


def arriving_id(seed: int, number: int) -> str:
    """Id of the n-th (from 0, below BLOCK) item that arrives in the simulation of a seed."""
    return f"new{seed}x{number:02d}"


def seed_of(item_id: str) -> int | None:
    """The seed of an id of `arriving_id`; None for any other id."""
    match = ID.fullmatch(item_id)
    return int(match[1]) if match else None


def with_arrivals(world: World, seed: int) -> World:
    """The world with a seed's items after its own; the same world and seed give the same items."""
    ours, theirs = world.items, _block(world, seed)
    joined = {
        field.name: np.concatenate([getattr(ours, field.name), getattr(theirs, field.name)], axis=-1)
        for field in fields(Items)
        if field.name != "themes"
    }
    items = Items(**joined, themes=np.concatenate([ours.themes, theirs.themes]))
    return replace(world, items=items, params=world.params.model_copy(update={"n_items": len(items.ids)}))


def announcements(world: World, seed: int, n_items: int) -> list[dict[str, Any]]:
    """The first items of a seed as the route /items takes them."""
    block = _block(world, seed)
    texts = write_texts(_params(world, seed), block).to_dicts()
    return [
        {
            "item_id": str(block.ids[number]),
            **texts[number],
            "category": GENRES[block.genres[number]].name,
            "price": float(block.prices[number]),
        }
        for number in range(min(n_items, BLOCK))
    ]


def _params(world: World, seed: int) -> Params:
    """Params of a seed's items: those of the world, another stream of chance."""
    chance = int(np.random.SeedSequence([world.params.seed, seed, BLOCK]).generate_state(1)[0])
    return world.params.model_copy(update={"seed": chance, "n_items": BLOCK, "new_item_share": 0.0})


def _block(world: World, seed: int) -> Items:
    items = make_items(_params(world, seed), world.attributes)
    own = np.array([seed_of(str(item_id)) is None for item_id in world.items.ids])
    log_prices = np.log(world.items.prices[own])  # those of the world itself say what a usual price is
    price_z = ((np.log(items.prices) - log_prices.mean()) / log_prices.std()).astype(np.float32)
    ids = np.array([arriving_id(seed, number) for number in range(BLOCK)])
    created_at = np.full(BLOCK, world.params.end_at, dtype=np.int64)
    return replace(items, ids=ids, price_z=price_z, created_at=created_at)
