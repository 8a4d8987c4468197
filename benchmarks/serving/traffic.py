"""What a load asks: users by Zipf's law, a mixture of requests, and the bytes of each, made before its instant."""

from __future__ import annotations

import bisect
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PATHS = {
    "recommend": "/recommend",
    "explain": "/recommend",
    "new_user": "/recommend",
    "event": "/events",
    "events_100": "/events",
}


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Who asks for what.

    mixture: kind (of PATHS) → share, summing to 1; zipf: the n-th user and item has weight n^-zipf (0: all alike);
    k: length of the lists; run: prefix of event ids, so that two loads never send one twice; event: its kind.
    """

    users: list[str]
    items: list[str]
    mixture: dict[str, float]
    zipf: float = 1.0
    k: int = 10
    seed: int = 1
    run: str = "run"
    event: str = "click"
    headers: dict[str, str] = field(default_factory=dict)


class Requests:
    """Endless requests of one traffic, the same for the same seed."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self._random = random.Random(traffic.seed)
        self._kinds, self._shares = list(traffic.mixture), list(itertools.accumulate(traffic.mixture.values()))
        self._users = _Zipf(traffic.users, traffic.zipf, self._random)
        self._items = _Zipf(traffic.items, traffic.zipf, self._random)
        self._number = itertools.count()
        names = {"Host": "127.0.0.1", "Content-Type": "application/json", **traffic.headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in names.items())

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """(kind, the request's bytes)."""
        while True:
            kind = self._kinds[min(bisect.bisect(self._shares, self._random.random()), len(self._kinds) - 1)]
            yield kind, self.bytes_of(PATHS[kind], self._body(kind))

    def bytes_of(self, path: str, body: dict[str, Any]) -> bytes:
        """A POST with head and body."""
        text = json.dumps(body).encode()
        return f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(text)}\r\n\r\n".encode() + text

    def event(self, user_id: str, item_id: str) -> dict[str, str]:
        """One event with an id of its own."""
        event_id = f"{self.traffic.run}-{next(self._number)}"
        return {"event_id": event_id, "user_id": user_id, "item_id": item_id, "event": self.traffic.event}

    def _body(self, kind: str) -> dict[str, Any]:
        if PATHS[kind] == "/events":
            n_events = 100 if kind == "events_100" else 1
            return {"events": [self.event(self._users.draw(), self._items.draw()) for _ in range(n_events)]}
        user_id = f"{self.traffic.run}-new-{next(self._number)}" if kind == "new_user" else self._users.draw()
        body: dict[str, Any] = {"user_id": user_id, "k": self.traffic.k}
        return body | {"explain": True} if kind == "explain" else body


class _Zipf:
    """Draws of names by their rank; which name has which rank is drawn first."""

    def __init__(self, names: list[str], power: float, rng: random.Random) -> None:
        self._names, self._random = sorted(names), rng
        rng.shuffle(self._names)
        self._weights = list(itertools.accumulate((rank + 1) ** -power for rank in range(len(names))))

    def draw(self) -> str:
        return self._names[bisect.bisect(self._weights, self._random.random() * self._weights[-1])]
