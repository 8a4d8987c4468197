"""Starts the service after checking what would otherwise fail late: `python -m services.serve --host H --port P`."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import NoReturn

from features.errors import UserError
from features.settings import Settings
from features.telemetry import quiet_telemetry
from models.release.bundle import read_manifest
from models.release.store import ReleaseStore
from services.access.keys import check_host
from services.instants import fixed_instant

SERVICE = "services.service:RecopsService"


def check(settings: Settings, host: str, port: int) -> str:
    """The release that will be served.

    Raises:
        UserError: keys are missing or wrong, nothing was released, its bundle is gone, or the port is taken.
    """
    fixed_instant(settings.at)
    check_host(settings, host)
    store = ReleaseStore(settings.home)
    release = settings.release or store.live()
    if release is None:
        raise UserError(
            f"{store.pointer}: nothing is live; make a release with `recops run && recops release`, or set RECOPS_HOME "
            "to the folder that holds one"
        )
    if not (Path(release) / "release.json").is_file():
        read_manifest(store.bundle(store.read(release).release))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port") from None
    return release


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 3000) -> NoReturn:
    """Becomes `bentoml serve`: no process stands between it and who sends it signals.

    Raises:
        UserError: see `check`.
    """
    release = check(settings, host, port)
    quiet_telemetry()
    root = Path(__file__).resolve().parent.parent
    # a home of its own: two servers with one home erase each other's metrics
    home = settings.home / "serve" / f"{port}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "BENTOML_HOME": str(home), "RECOPS_HOME": str(settings.home), "PYTHONPATH": path}
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", host, "--port", str(port)]
    sys.stderr.write(f"serving release {release} on http://{f'[{host}]' if ':' in host else host}:{port}/\n")
    sys.stderr.flush()
    os.execve(sys.executable, [*command, "--working-dir", str(root)], env)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="any host but loopback needs RECOPS_API_KEYS")
    parser.add_argument("--port", type=int, default=3000)
    given = parser.parse_args()
    try:
        serve(Settings(), given.host, given.port)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
