"""Counters and histograms of the service on /metrics; nothing that a client sends becomes a label."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

EVENTS = frozenset(
    ("view", "click", "cart", "purchase", "rate", "rating", "like", "play", "read", "save", "share")
    + ("dislike", "cancel", "impression", "not_recommend")
)
STAGES = frozenset(("state", "retrieve", "features", "rank", "rerank", "explain"))
RECORD_OUTCOMES = ("written", "dropped", "failed")


class Metrics:
    """Made once a process, after BentoML has set up prometheus_client for several workers."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self.folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # where all workers' values are, if they are shared
        fine = (0.0001, 0.0002, 0.0005)
        fast = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
        self.requests: Any = Counter("recops_requests", "Answers by route and status.", ["route", "status"])
        self.seconds: Any = Histogram("recops_request_seconds", "Time of an answer.", ["route"], buckets=fast)
        self.events: Any = Counter("recops_events", "Events recorded, by kind.", ["event"])
        self.duplicates: Any = Counter("recops_event_duplicates", "Events that had been recorded before.")
        self.item_changes: Any = Counter("recops_item_changes", "Changes of items recorded.")
        self.fallbacks: Any = Counter("recops_fallbacks", "Answers by a fallback.", ["fallback"])
        self.unknown_items: Any = Counter("recops_unknown_items", "Unknown items in requests' histories.")
        self.short: Any = Counter("recops_short_answers", "Answers with fewer items than asked for.")
        self.queue_length: Any = Gauge(
            "recops_queue_length", "Requests that wait for their turn, of all workers.", multiprocess_mode="livesum"
        )
        self.queue_seconds: Any = Histogram(
            "recops_queue_seconds", "Wait for a turn, of those that waited.", buckets=fast
        )
        self.queue_refusals: Any = Counter("recops_queue_refusals", "Answers 503: the turn would have come too late.")
        self.records: Any = Counter("recops_flight_records", "Records of answers, by outcome.", ["outcome"])
        for outcome in RECORD_OUTCOMES:  # shown from the start: the first is written some seconds after its answer
            self.records.labels(outcome)
        self.quota_refusals: Any = Counter("recops_quota_refusals", "Answers 429: the key's quota is used.", ["role"])
        self.stage_seconds: Any = Histogram(
            "recops_stage_seconds", "Time of a stage of a list.", ["stage"], buckets=(*fine, *fast)
        )
        self.lists: Any = Counter("recops_lists", "Lists that were sent, by the release's role.", ["role"])
        self.left_out: Any = Counter("recops_deadline_left_out", "Lists that had no time for all stages.")
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

    def count_stages(self, stage_ms: Mapping[str, float], left_out: Sequence[str]) -> None:
        """Counts the stages of one list [ms]; left_out: what the deadline left no time for."""
        for stage, milliseconds in stage_ms.items():
            self.stage_seconds.labels(stage if stage in STAGES else "other").observe(milliseconds / 1000)
        if left_out:
            self.left_out.inc()

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


def exposition(releases: Mapping[str, str] | None = None) -> tuple[bytes, str]:
    """Our metrics of all workers in Prometheus' text form, and its content type.

    releases: role (`live`, `canary`, `shadow`) → release that this worker has now. Shown, not counted: a counter's
    label stays for ever, and a service sees many releases.
    """
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, values
    from prometheus_client.multiprocess import MultiProcessCollector

    shared = values.ValueClass is not values.MutexValue
    source: Any = MultiProcessCollector(None, metrics().folder) if shared else REGISTRY
    registry = CollectorRegistry()
    registry.register(_Own(source, releases or {}))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Own:
    """Collects our metrics only: libraries such as Feast count in the same files."""

    def __init__(self, source: Any, releases: Mapping[str, str]) -> None:
        self._source, self._releases = source, releases

    def collect(self) -> Iterator[Any]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        yield from (family for family in self._source.collect() if family.name.startswith("recops_"))
        info = GaugeMetricFamily("recops_release_info", "Releases that answer now.", labels=["release", "role"])
        for role, release in self._releases.items():
            info.add_metric([release, role], 1)
        yield info
