"""Serves a release from its own Bento: `python -m services.serve --host H --port P`; checks first, then the port."""

from __future__ import annotations

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from features.errors import UserError
from features.settings import Settings, read_settings
from features.telemetry import quiet_telemetry
from models.release.code import ROOT
from services.observability.logs import configure_logs
from services.supervision.start_checks import check, check_settings, check_stores, listen
from services.supervision.supervisor import Supervisor, worker_environment

__all__ = ["check", "main", "serve"]


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 3000, *, working_tree: bool = False) -> int:
    """Serves until a signal ends it; the exit code.

    working_tree: the code that runs this serves, instead of the Bento that was built and replayed.

    Raises:
        UserError: see `check`.
    """
    release = check_settings(settings, host, port, working_tree=working_tree)
    quiet_telemetry()
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    listener = listen(host, port)
    scratch = _scratch(host, port)
    try:
        environment = worker_environment(settings, scratch, dict(os.environ))
        tree = ROOT if working_tree else None
        supervisor = Supervisor(settings, listener, address, scratch, environment, tree)
        supervisor.prepare(release)
        try:
            check_stores(settings, release)
        except BaseException:
            supervisor.give_up()
            raise
        source = "the working tree" if working_tree else f"Bento {release.bento_tag}"
        sys.stderr.write(f"serving release {release.release} from {source} on {address}/\n")
        sys.stderr.flush()
        return supervisor.run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _scratch(host: str, port: int) -> Path:
    """A folder for metrics and what BentoML writes, in memory where there is such a place: a full disk must not stop
    the service. What a killed server left in it goes; nobody else has the port."""
    memory = Path("/dev/shm")  # noqa: S108
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    folder = parent / f"recops-{os.getuid()}-{re.sub(r'[^0-9A-Za-z.]', '_', host)}-{port}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except OSError:  # another user's
        return Path(tempfile.mkdtemp(prefix="recops-"))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="any host but loopback needs RECOPS_API_KEYS")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--working-tree", action="store_true", help="serve this code instead of the release's Bento")
    given = parser.parse_args()
    logging.getLogger("services").setLevel(logging.INFO)
    try:
        settings = read_settings()
        configure_logs(settings.log_format)
        status = serve(settings, given.host, given.port, working_tree=given.working_tree)
    except UserError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        sys.exit(2)
    sys.exit(status)


if __name__ == "__main__":
    main()
