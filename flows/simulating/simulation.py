"""The simulation that `recops simulate` runs: the project's simulated world, at a running service."""

from __future__ import annotations

import asyncio
from typing import Any

from features.errors import UserError
from features.params import parse
from features.simulation.parameters import Params
from features.simulation.texts import write_texts
from features.simulation.world import World
from flows.simulating.crowd import Crowd
from flows.simulating.tally import Tally
from flows.simulating.visiting import Shop, client_of


def world_params(source: dict[str, Any]) -> Params:
    """The world of a project's section `source`.

    Raises:
        UserError: its data are not simulated.
    """
    name = source.get("name", "simulator")
    if name != "simulator":
        raise UserError(
            f"params.yaml: source.name is '{name}', and simulated people act on a simulated world only; "
            "`recops data import simulator` in a project of its own, then `recops run`, `recops release` and "
            "`recops serve`"
        )
    return parse("source.simulator", source.get("simulator") or {}, Params)


def simulate(
    params: Params,
    url: str,
    *,
    rate: float,
    seconds: float | None = None,
    n_visits: int | None = None,
    seed: int = 1,
    key: str = "",
    n_new: int = 0,
    again: float = 0.4,
    pause_s: float = 2.0,
) -> Tally:
    """Visits of the world's people at a service: `rate` visits a second, for a time or so many.

    Raises:
        UserError: the service does not answer, or serves another data set.
    """
    world = World.make(params)
    titles = dict(zip(map(str, world.items.ids), write_texts(params, world.items)["title"].to_list(), strict=True))
    crowd = Crowd(world, seed, again=again, pause_s=pause_s)
    arrivals = crowd.arrivals(rate, n_visits=n_visits, seconds=seconds)

    async def run() -> Tally:
        async with client_of(url, key) as client:
            shop = Shop(client=client, crowd=crowd, n_items=params.page_size, impressions=params.impressions)
            await shop.check_world(titles)
            return await shop.receive(arrivals, n_new)

    return asyncio.run(run())
