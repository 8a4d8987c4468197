"""Stores that a test may break: a Redis of its own, and a wire to a server that can be cut or go silent."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlparse

import pytest

from flows.orchestration.processes import free_port


class OwnRedis:
    """A redis-server on a port of its own that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.port, self._program, self._folder = free_port(), program, folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = [self._program, "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(arguments, cwd=self._folder, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise TimeoutError("redis-server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)


class Wire:
    """Forwards connections of a free port to a server: `cut` refuses and resets, `silence` keeps and says nothing."""

    def __init__(self, url: str) -> None:
        target = urlparse(url)
        self._target = (target.hostname or "127.0.0.1", target.port or 5432)
        self.port = free_port()
        self.url = target._replace(netloc=f"{target.username or 'root'}@127.0.0.1:{self.port}").geturl()
        self._open: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self.mend()

    def mend(self) -> None:
        self._flows.set()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def silence(self) -> None:
        self._flows.clear()

    def speak(self) -> None:
        self._flows.set()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                self._flows.wait()
                sink.sendall(part)
            sink.shutdown(socket.SHUT_RDWR)
