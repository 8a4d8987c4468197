"""Lists are answered in turns: the loop reads between two of them; who would wait too long is refused at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.access.turns import Turns
from services.errors import ApiError


def test_the_loop_runs_other_work_between_two_answers_that_came_together():
    order: list[str] = []

    async def answer(turns: Turns, name: str) -> None:
        began = await turns.take(None)
        order.append(name)
        asyncio.get_running_loop().call_soon(order.append, f"read after {name}")
        turns.give(began)

    async def main() -> None:
        turns = Turns()
        await asyncio.gather(*(answer(turns, name) for name in ("a", "b", "c")))
        await asyncio.sleep(0)

    asyncio.run(main())
    assert order == ["a", "read after a", "b", "read after b", "c", "read after c"]


def test_a_request_whose_turn_would_come_after_its_deadline_is_refused_at_once():
    async def main() -> None:
        turns = Turns()
        began = await turns.take(None)
        turns.seconds = 0.2
        waiting = [asyncio.ensure_future(turns.take(None)) for _ in range(4)]
        await asyncio.sleep(0)
        assert len(turns) == 4
        with pytest.raises(ApiError) as refusal:  # five answers of 0.2 s come before
            await turns.take(time.perf_counter() + 0.9)
        assert (refusal.value.status, refusal.value.code, refusal.value.retry_after) == (503, "overloaded", 1)
        patient = asyncio.ensure_future(turns.take(time.perf_counter() + 1.1))
        for task in [*waiting, patient]:
            turns.give(began)
            began = await task
        turns.give(began)

    asyncio.run(main())


def test_a_short_deadline_alone_refuses_nobody():
    async def main() -> None:
        turns = Turns()
        began = await turns.take(None)
        turns.seconds = 0.05
        waiting = asyncio.ensure_future(turns.take(time.perf_counter() + 0.005))  # 50 ms is a bearable wait
        await asyncio.sleep(0)
        turns.give(began)
        turns.give(await waiting)

    asyncio.run(main())


def test_who_leaves_while_waiting_keeps_nobody_else_waiting():
    async def main() -> None:
        turns = Turns()
        began = await turns.take(None)
        leaving, staying = (asyncio.ensure_future(turns.take(None)) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        turns.give(began)
        turns.give(await asyncio.wait_for(staying, 5))
        turns.give(await asyncio.wait_for(turns.take(None), 5))

    asyncio.run(main())


def test_who_leaves_just_when_the_turn_comes_passes_it_on():
    async def main() -> None:
        turns = Turns()
        began = await turns.take(None)
        leaving, staying = (asyncio.ensure_future(turns.take(None)) for _ in range(2))
        await asyncio.sleep(0)
        turns.give(began)
        asyncio.get_running_loop().call_soon(leaving.cancel)  # after the turn was given, before the task woke up
        turns.give(await asyncio.wait_for(staying, 5))

    asyncio.run(main())
