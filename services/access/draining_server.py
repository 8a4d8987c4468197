"""The uvicorn server of a worker, which ends without resetting a connection."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

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
