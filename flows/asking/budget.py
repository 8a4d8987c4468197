"""Budget of one call: tokens, money and seconds, kept between requests; what is under way counts by its estimate."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Budget:
    """Limits, None: none. Spent and reserved sums are of this call alone."""

    max_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
    tokens: int = 0
    cost: float = 0.0
    _reserved_tokens: int = 0
    _reserved_cost: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def reserve(self, tokens: int, cost: float) -> str:
        """Takes a request into account before it is sent; else the limit that it would exceed, in a word."""
        if self.max_seconds is not None and time.monotonic() - self._began >= self.max_seconds:
            return f"--max-seconds {self.max_seconds:g}"
        if self.max_tokens is not None and self.tokens + self._reserved_tokens + tokens > self.max_tokens:
            return f"--max-tokens {self.max_tokens}"
        if self.max_cost is not None and self.cost + self._reserved_cost + cost > self.max_cost:
            return f"--max-cost {self.max_cost:g}"
        self._reserved_tokens += tokens
        self._reserved_cost += cost
        return ""

    def settle(self, reserved: tuple[int, float], spent: tuple[int, float]) -> None:
        """Puts what a request took in place of what was reserved for it."""
        self._reserved_tokens -= reserved[0]
        self._reserved_cost -= reserved[1]
        self.tokens += spent[0]
        self.cost += spent[1]
