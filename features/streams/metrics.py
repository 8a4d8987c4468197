"""Prometheus metrics of a consumer, read from its counts whenever they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from features.errors import UserError
from features.streams.counts import Counts

TOTALS = {
    "messages": "messages consumed: stored, and acknowledged unless the broker was away",
    "events": "events recorded",
    "duplicates": "events that the log had already",
    "dead_letters": "messages or events kept as dead letters",
    "outages": "times that the broker or the database was away",
}


class _Collector:
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Any]:
        """A counter for each total, and the lag where it is known."""
        for name, sentence in TOTALS.items():
            family = CounterMetricFamily(f"recops_stream_{name}", sentence, labels=["source"])
            family.add_metric([self._counts.source], getattr(self._counts, name))
            yield family
        if self._counts.lag is not None:
            lag = GaugeMetricFamily("recops_stream_lag", "messages not yet fetched", labels=["source"])
            lag.add_metric([self._counts.source], self._counts.lag)
            yield lag


def serve(counts: Counts, host: str, port: int) -> None:
    """Serves them at /metrics, in a thread that ends with the process.

    Raises:
        UserError: the port cannot be had.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(counts))
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise UserError(f"--metrics-port {port}: {error.strerror} on {host}; choose another one") from None
