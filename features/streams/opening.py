"""Opens the source that a URL names; no connection is made before the first fetch."""

from __future__ import annotations

from importlib import import_module

from features.errors import UserError
from features.streams.addresses import parse_address
from features.streams.brokers import BROKERS
from features.streams.event_source import EventSource


def open_source(url: str) -> EventSource:
    """The source of a URL such as `redis://host:6379/0?stream=events&group=recops`.

    Raises:
        UserError: no broker has this scheme, an option is wrong or missing, or the broker's client is not installed.
    """
    address = parse_address(url)
    if address.scheme not in BROKERS:
        raise UserError(f"{address.shown}: no broker has the scheme '{address.scheme}'; there are {sorted(BROKERS)}")
    module, name = BROKERS[address.scheme].split(":")
    try:
        source: EventSource = getattr(import_module(module), name)(address)
    except ModuleNotFoundError as error:
        extra = "kafka" if address.scheme == "kafka" else "nats"
        raise UserError(
            f"{address.shown}: the Python package '{error.name}' is not installed; install it with `pip install "
            f"'recops[{extra}]'`"
        ) from None
    return source
