"""Simulator: tables of a made-up bookshop whose truth is known."""

from __future__ import annotations

from features.reading.raw_tables import RawTables
from features.simulation.parameters import Params
from features.simulation.tables import tables_of
from features.simulation.visits import see
from features.simulation.world import World


def read(params: Params) -> RawTables:
    """The tables of the world; `extras` holds `exposures` (where kept) and the truth as `truth/…`."""
    world = World.make(params)
    return tables_of(world, see(world))
