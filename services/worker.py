"""A worker: one process that answers on a socket it was given, started by the supervisor from a Bento's own folder.

Nearly all of a start is imports; `main` begins them, with the collector at rest: it would look through all new code
again and again, and find nothing.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from features.resilience.lifetime import end_with
from services.stand_ins import stand_ins
from services.supervision.workers import GATE

if TYPE_CHECKING:
    from starlette.applications import Starlette

logger = logging.getLogger(__name__)

DRAIN_S = 30


def serve(file_descriptor: int, number: int, refusal: Path | None) -> None:
    """Answers until SIGTERM. refusal: a worker that cannot load a release ends, and says why in this file."""
    import bentoml
    import uvicorn

    from services.access.draining_server import DrainingServer

    whole = make_asgi()
    from services.service import app

    bentoml.server_context.worker_index = number
    app.state.refusal = refusal
    config = uvicorn.Config(
        whole,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    DrainingServer(config, lambda: app.state.runtime.drain()).run(sockets=[socket.socket(fileno=file_descriptor)])


def make_asgi() -> Starlette:
    """The app, imported without the parts of BentoML that it does not use."""
    with stand_ins():
        from services import service

        return service.make_asgi()


def may_begin(gate: int) -> bool:
    """Waits, all code imported, for what the supervisor checks meanwhile; whether this worker may answer."""
    make_asgi()
    try:
        return bool(os.read(gate, 1))
    finally:
        os.close(gate)


def rehearse() -> None:
    """Does once what a worker does at its start, so that all code is there when it is needed; keeps nothing of it.

    Some imports happen when a release is loaded for the first time.
    """
    from features.events.database import SERVING
    from features.events.event_log import EventLog
    from features.settings import read_settings
    from services.live.release import Live
    from services.metric_files import reserve_files

    make_asgi()
    reserve_files()
    settings = read_settings()
    log = EventLog(settings.events_url, patience=SERVING)
    try:
        live = Live(settings, log)
        wanted = live.wanted()
        if wanted is not None:
            live.load(wanted).sessions.close()
    except Exception as error:  # whoever takes over in earnest says what is wrong
        logger.info("the spare worker could not load a release: %s", error)
    finally:
        log.close()
    gc.collect()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.worker", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--number", type=int, default=1, help="which of the workers it is, from 1")
    parser.add_argument("--parent", type=int, default=0, help="the process with which it ends")
    parser.add_argument("--must-load", type=Path, default=None, metavar="FILE", help="end when no release loads")
    parser.add_argument(
        "--spare", action="store_true", help="be ready, and answer as the worker whose number comes on standard input"
    )
    given = parser.parse_args()
    gc.disable()  # the service enables it when its release is loaded
    from features.settings import read_settings
    from services.observability.logs import configure_logs

    configure_logs(read_settings().log_format)
    if given.parent:
        end_with(given.parent)
    number, gate = given.number, os.environ.pop(GATE, None)
    if gate is not None and not may_begin(int(gate)):
        return
    if given.spare:
        rehearse()
        line = sys.stdin.readline()
        if not line.strip():  # the supervisor needs it no longer
            return
        number = int(line)
    serve(given.fd, number, given.must_load)


if __name__ == "__main__":
    main()
