"""A worker: one process that answers on a socket it was given, started by the supervisor from a Bento's own folder."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from features.resilience.lifetime import end_with

DRAIN_S = 30
IDLE_S = 3.0  # a kept connection may be silent for this long before it is closed


class DrainingServer(uvicorn.Server):
    """A uvicorn server that shuts down without resetting connections.

    uvicorn closes kept connections at once, also one whose next request is on its way, and resets those that wait to be
    accepted. This one takes what waits, goes on answering for a while, and each answer says that its connection ends.
    """

    def __init__(self, config: uvicorn.Config, on_drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_drain = on_drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        waiting = [connection for listener in sockets or [] for connection in _accept_all(listener)]
        for server in self.servers:
            server.close()
        self._on_drain()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        deadline = time.monotonic() + IDLE_S
        while self.server_state.connections and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made


def _accept_all(listener: socket.socket) -> Iterator[socket.socket]:
    """Connections that wait on a listening socket: closing it would reset them."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # none waits
            return
        connection.setblocking(False)
        yield connection


def serve(file_descriptor: int, number: int, refusal: Path | None) -> None:
    """Answers until SIGTERM. refusal: a worker that cannot load a release ends, and says why in this file."""
    import bentoml

    from services.service import app, make_asgi

    bentoml.server_context.worker_index = number
    app.state.refusal = refusal
    config = uvicorn.Config(
        make_asgi(),
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    DrainingServer(config, lambda: app.state.runtime.drain()).run(sockets=[socket.socket(fileno=file_descriptor)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.worker", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--number", type=int, default=1, help="which of the workers it is, from 1")
    parser.add_argument("--parent", type=int, default=0, help="the process with which it ends")
    parser.add_argument("--must-load", type=Path, default=None, metavar="FILE", help="end when no release loads")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if given.parent:
        end_with(given.parent)
    serve(given.fd, given.number, given.must_load)


if __name__ == "__main__":
    main()
