"""The simulated people at the service: what they do arrives, and a service of other data is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from features.errors import UserError
from features.simulation.texts import write_texts
from features.simulation.world import World
from flows.simulating.crowd import Crowd
from flows.simulating.tally import Tally
from flows.simulating.visiting import Shop
from services.app import make_app
from tests.support.small_release import Made

HAS_ITEMS = "/items" in {getattr(route, "path", "") for route in make_app().routes}


def visited(client: Any, world: World, n_visits: int, *, n_new: int = 0, key: str = "") -> Tally:
    """What a crowd saw at the service of a test client, with hardly any time between its visits."""
    titles = dict(zip(map(str, world.items.ids), write_texts(world.params, world.items)["title"], strict=True))
    crowd = Crowd(world, seed=1, pause_s=0.01)

    async def run() -> Tally:
        transport = httpx.ASGITransport(app=client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as asking:
            shop = Shop(client=asking, crowd=crowd, n_items=10, run="test")
            await shop.check_world(titles)
            return await shop.receive(crowd.arrivals(200, n_visits=n_visits), n_new)

    return asyncio.run(run())


def test_people_ask_choose_and_tell_what_they_chose(client: Any, made: Made) -> None:
    tally = visited(client, made.world.truth.world, 40)
    assert not tally.errors
    assert len(tally.pages) > 40  # some come again
    assert {page.release for page in tally.pages} == {"r1"}
    assert tally.n_events > 20
    assert tally.n_duplicates == 0
    assert client.get("/status").json()["counts"]["events_since_release"] == tally.n_events
    chosen = sum(page.n_chosen for page in tally.pages)
    expected = sum(page.expected for page in tally.pages)
    assert chosen == pytest.approx(expected, rel=0.5)
    assert all(page.expected <= page.oracle + 1e-9 for page in tally.pages)


def test_a_second_run_of_the_same_visits_is_known_to_the_service(client: Any, made: Made) -> None:
    """Event ids are those of the run: sent again, they are duplicates."""
    first = visited(client, made.world.truth.world, 5)
    again = visited(client, made.world.truth.world, 5)
    assert first.n_events > 0
    assert again.n_duplicates > 0


@pytest.mark.skipif(HAS_ITEMS, reason="POST /items is there")
def test_new_items_are_left_out_with_a_word_where_the_service_takes_none(client: Any, made: Made) -> None:
    tally = visited(client, made.world.truth.world, 3, n_new=2)
    assert tally.announced == {}
    assert "the service has no route /items (404)" in tally.text()


@pytest.mark.skipif(not HAS_ITEMS, reason="there is no POST /items yet")
def test_new_items_are_announced(client: Any, made: Made) -> None:
    tally = visited(client, made.world.truth.world, 3, n_new=2)
    assert set(tally.announced) == {"new1x00", "new1x01"}


def test_a_service_of_another_world_is_refused(client: Any, made: Made) -> None:
    other = made.world.truth.world.params.model_copy(update={"seed": 77})
    with pytest.raises(UserError, match="serves another data set"):
        visited(client, World.make(other), 1)
