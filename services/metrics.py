"""Counters and histograms of the service on /metrics; nothing that a client sends becomes a label."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

EVENTS = frozenset(
    ("view", "click", "cart", "purchase", "rate", "rating", "like", "play", "read", "save", "share")
    + ("dislike", "cancel", "impression", "not_recommend")
)


class Metrics:
    """Made once a process, after BentoML has set up prometheus_client for several workers."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self.folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # where all workers' values are, if they are shared
        fast = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
        self.requests: Any = Counter("recops_requests", "Answers by route and status.", ["route", "status"])
        self.seconds: Any = Histogram("recops_request_seconds", "Time of an answer.", ["route"], buckets=fast)
        self.events: Any = Counter("recops_events", "Events recorded, by kind.", ["event"])
        self.duplicates: Any = Counter("recops_event_duplicates", "Events that had been recorded before.")
        self.fallbacks: Any = Counter("recops_fallbacks", "Answers by a fallback.", ["fallback"])
        self.unknown_items: Any = Counter("recops_unknown_items", "Unknown items in requests' histories.")
        self.short: Any = Counter("recops_short_answers", "Answers with fewer items than asked for.")
        self.loads: Any = Counter("recops_release_loads", "Loads of a release, by outcome.", ["outcome"])
        self.loaded_at: Any = Gauge(
            "recops_release_loaded_timestamp_seconds", "When the release was loaded.", multiprocess_mode="mostrecent"
        )
        self.data_until: Any = Gauge(
            "recops_data_until_timestamp_seconds", "Last instant of the release's data.", multiprocess_mode="mostrecent"
        )

    def count_answer(self, route: str, status: int, seconds: float) -> None:
        """Counts one answer; `route` is one of the fixed set of labels, never the requested path."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def count_refusal(self, route: str, status: int) -> None:
        """Counts an answer to input that was no valid HTTP request."""
        self.requests.labels(route, str(status)).inc()

    def count_event(self, kind: str) -> None:
        """One event; kinds outside the known ones are counted together, so that callers cannot make labels."""
        self.events.labels(kind if kind in EVENTS else "other").inc()


@lru_cache(maxsize=1)
def metrics() -> Metrics:
    """The process's metrics."""
    return Metrics()


def exposition() -> tuple[bytes, str]:
    """Our metrics of all workers in Prometheus' text form, and its content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, values
    from prometheus_client.multiprocess import MultiProcessCollector

    shared = values.ValueClass is not values.MutexValue
    source: Any = MultiProcessCollector(None, metrics().folder) if shared else REGISTRY
    registry = CollectorRegistry()
    registry.register(_Own(source))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Own:
    """Collects our metrics only: libraries such as Feast count in the same files."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def collect(self) -> Iterator[Any]:
        return (family for family in self._source.collect() if family.name.startswith("recops_"))
