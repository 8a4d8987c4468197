"""Memory of workers: what each holds alone (USS), its share of all (PSS), and an empty worker of the same server."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.serving.cases import RECOMMEND, open_loop
from benchmarks.serving.processes import command_of, mapped_below, memory_of
from benchmarks.serving.served import Served
from flows.orchestration.loopback import answers

# the server of a worker (services/worker.py) with everything that it imports, and an app that answers one thing
_EMPTY = """
import socket, sys
import uvicorn
from services.worker import make_asgi
from services.access.draining_server import DrainingServer
make_asgi()
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})
config = uvicorn.Config(app, log_config=None, lifespan="off")
DrainingServer(config, lambda: None).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
"""


def memory(served: Served, seconds: float) -> Iterator[str]:
    """A line a process below the supervisor, after some load, and one for the empty worker."""
    open_loop(served, "", 20, seconds, RECOMMEND)
    yield f"{'process':<58}{'USS':>9}{'PSS':>9}{'RSS':>9}{'mapped, its share':>20} MB"
    releases = [release.resolve() for release in (served.home / "releases").iterdir()]
    totals = [0.0, 0.0, 0.0]
    for pid in served.workers:
        with contextlib.suppress(OSError):
            used, mapped = memory_of(pid), mapped_below(pid, [*releases, served.home / "cache"])
            totals = [total + value for total, value in zip(totals, (used.uss, used.pss, mapped[0]), strict=True)]
            yield _line(_short(command_of(pid)), used.uss, used.pss, used.rss, f"{mapped[1]:.0f}, {mapped[0]:.0f}")
    yield _line("all together", totals[0], totals[1], float("nan"), f"{totals[2]:.0f}")
    with _empty_worker() as pid:
        used = memory_of(pid)
        yield _line("an empty worker of the same server", used.uss, used.pss, used.rss, "")


def _line(name: str, uss: float, pss: float, rss: float, mapped: str) -> str:
    return f"{name:<58}{uss:>9.0f}{pss:>9.0f}{rss:>9.0f}{mapped:>20}"


def _short(command: str) -> str:
    return " ".join(command.split()[1:])[:56] or command[:56]


@contextlib.contextmanager
def _empty_worker() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.set_inheritable(True)
        port = listener.getsockname()[1]
        command = [sys.executable, "-c", _EMPTY, str(listener.fileno())]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
    try:
        deadline = time.monotonic() + 120
        while not answers(f"http://127.0.0.1:{port}/", timeout_s=5) and time.monotonic() < deadline:
            time.sleep(0.3)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
