"""Visits to a running service: planned arrivals, lists, choices, events; and the announcement of new items."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from features.errors import UserError
from flows.orchestration.loopback import is_loopback
from flows.simulating.arriving_items import announcements
from flows.simulating.crowd import UNKNOWN, Crowd, Reaction, Visit
from flows.simulating.tally import Tally

TIMEOUT_S = 30.0
PROBED = 50  # items whose titles are compared
NOT_THERE = (404, 405)
FORBIDDEN = (401, 403)


@dataclass(kw_only=True)
class Shop:
    """A running service and the crowd that visits it. run: prefix of the events' ids, so that two runs of one seed are
    two crowds to the service; n_items: length of the lists."""

    client: httpx.AsyncClient
    crowd: Crowd
    n_items: int
    impressions: bool = False
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    tally: Tally = field(default_factory=Tally)
    start: float = 0.0

    async def check_world(self, titles: dict[str, str]) -> None:
        """Checks that the service serves this world. titles: item id → title.

        Raises:
            UserError: it serves another data set, refuses the key, or does not answer.
        """
        body = {"user_id": str(self.crowd.world.users.ids[0]), "k": PROBED, "include_seen": True}
        try:
            reply = await self.client.post("/recommend", json=body)
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise UserError(f"{self.client.base_url} does not answer ({what}); start it with `recops serve`") from None
        if reply.status_code in FORBIDDEN:
            raise UserError(f"{self.client.base_url} refuses the key ({reply.status_code}); give one with --key")
        if reply.status_code != 200:
            raise UserError(f"{self.client.base_url} answers {reply.status_code}: {reply.text[:300]}")
        items = reply.json().get("items", [])
        for item in items:
            item_id, title = item["item_id"], item.get("title")
            if self.crowd.positions([item_id])[0] == UNKNOWN or titles.get(item_id, title) != title:
                there = f"the title '{titles[item_id]}'" if item_id in titles else "no such item"
                raise UserError(
                    f"{self.client.base_url} serves another data set: its item '{item_id}' has the title '{title}', "
                    f"the simulated world of params.yaml (seed {self.crowd.world.params.seed}) has {there}; serve a "
                    "release of this project's simulated world"
                )

    async def receive(self, arrivals: list[float], n_new: int = 0) -> Tally:
        """All visits, each from its planned instant on, whatever became of the others. n_new: items that are announced
        at even intervals over the first half of the time."""
        self.start = time.perf_counter()
        self.tally.n_visits = len(arrivals)
        async with asyncio.TaskGroup() as group:
            if n_new:
                group.create_task(self._announce(n_new, arrivals[-1] / 2 if arrivals else 0.0))
            for number, at in enumerate(arrivals):
                await self._until(at)
                group.create_task(self._visit(self.crowd.visit(number), at))
        return self.tally

    async def _visit(self, visit: Visit, due: float) -> None:
        for page, pause_s in enumerate((0.0, *visit.pauses_s)):
            due += pause_s
            await self._until(due)
            self.tally.late_ms.append(max(0.0, self._now() - due) * 1000)
            answer = await self._post("/recommend", {"user_id": visit.user_id, "k": self.n_items})
            if answer is None:
                return
            milliseconds = (self._now() - due) * 1000
            item_ids = [str(item["item_id"]) for item in answer["items"]]
            reaction = self.crowd.react(visit, page, item_ids)
            self.tally.add(due, milliseconds, answer, item_ids, reaction)
            await self._send(self._events(visit, page, item_ids, answer["request_id"], reaction))
            due = max(due, self._now())

    def _events(
        self, visit: Visit, page: int, item_ids: list[str], request_id: str, reaction: Reaction
    ) -> list[dict[str, Any]]:
        """The events of one list, with ids of their own."""
        acts = list(reaction.events)
        if self.impressions:
            acts += [(slot, "impression", None) for slot, taken in enumerate(reaction.chosen.tolist()) if not taken]
        events: list[dict[str, Any]] = []
        for number, (slot, kind, value) in enumerate(acts):
            event = {"event_id": f"{self.run}-{visit.number}-{page}-{number}", "user_id": visit.user_id}
            event |= {"item_id": item_ids[slot], "event": kind, "request_id": request_id}
            events.append(event if value is None else {**event, "value": value})
        return events

    async def _send(self, events: list[dict[str, Any]]) -> None:
        answer = await self._post("/events", {"events": events}) if events else None
        if answer is not None:
            self.tally.n_events += int(answer["accepted"])
            self.tally.n_duplicates += int(answer["duplicates"])

    async def _announce(self, n_items: int, seconds: float) -> None:
        for number, item in enumerate(announcements(self.crowd.world, self.crowd.seed, n_items)):
            await self._until(seconds * number / n_items)
            try:
                reply = await self.client.post("/items", json={"items": [item]})
            except httpx.HTTPError as error:
                self._count("/items", type(error).__name__)
                continue
            self.tally.n_requests += 1
            if reply.status_code in (*NOT_THERE, *FORBIDDEN):
                why = "has no route /items" if reply.status_code in NOT_THERE else "does not let this key use /items"
                self.tally.remarks.append(f"new items were left out: the service {why} ({reply.status_code})")
                return
            if reply.status_code == 200:
                self.crowd.positions([item["item_id"]])  # from now on the best list may hold it
                self.tally.announced[item["item_id"]] = self._now()
            else:
                self._count("/items", str(reply.status_code))

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; None after an error, which is counted."""
        self.tally.n_requests += 1
        try:
            reply = await self.client.post(path, json=body)
        except httpx.HTTPError as error:
            self._count(path, type(error).__name__)
            return None
        if reply.status_code != 200:
            self._count(path, str(reply.status_code))
            return None
        answer: dict[str, Any] = reply.json()
        return answer

    def _count(self, path: str, kind: str) -> None:
        self.tally.errors[f"{path} {kind}"] += 1

    def _now(self) -> float:
        """Seconds from the start."""
        return time.perf_counter() - self.start

    async def _until(self, at: float) -> None:
        if (delay := at - self._now()) > 0:
            await asyncio.sleep(delay)


def client_of(url: str, key: str = "") -> httpx.AsyncClient:
    """A client of a service; loopback goes through no proxy.

    Raises:
        UserError: it is no http address.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        if httpx.URL(url).scheme not in ("http", "https") or not httpx.URL(url).host:
            raise ValueError("no http")
    except (httpx.InvalidURL, ValueError):
        raise UserError(f"--url '{url}' is no http address, e.g. http://127.0.0.1:3000") from None
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    return httpx.AsyncClient(
        base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT_S, limits=limits, trust_env=not is_loopback(url)
    )
