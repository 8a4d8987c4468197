"""The reports over HTTP: `python -m flows.orchestration.pages.reports_server` shows data/reports, read-only.

Prefect's pages link to it (RECOPS_REPORTS_URL), since a browser opens no `file://` link of a page from a server.
"""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from features.errors import UserError
from features.settings import read_settings
from flows.orchestration.loopback import is_loopback

logger = logging.getLogger(__name__)

PORT = 4201  # beside Prefect's 4200
FRONT = "/report.html"


class ReportsHandler(SimpleHTTPRequestHandler):
    """GET and HEAD of files below one folder: no listing, no hidden file, nothing that a link leads out to.

    hosts: names beside loopback's under which it answers; a page of another name that resolves to this machine (DNS
    rebinding) gets nothing.
    """

    server_version = "recops-reports"
    sys_version = ""

    def __init__(self, *args: Any, folder: Path, hosts: frozenset[str], **kwargs: Any) -> None:
        self.folder = folder.resolve()
        self.hosts = hosts
        super().__init__(*args, directory=str(self.folder), **kwargs)

    def send_head(self) -> Any:
        """The file's headers and the file itself; None after a refusal or a redirection."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        if host not in self.hosts and not is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}"):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "this name is not the reports' own (RECOPS_REPORTS_URL)")
            return None
        if urlsplit(self.path).path == "/":
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", FRONT)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not self._is_shown(path):
            self.send_error(HTTPStatus.NOT_FOUND, "no such page below data/reports")
            return None
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")  # the next run replaces the pages
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Requests are not logged."""

    def _is_shown(self, path: Path) -> bool:
        """Whether a path is a file of the reports; DVC may keep them as links into its cache."""
        try:
            hidden = any(part.startswith(".") for part in path.relative_to(self.folder).parts)
            target = path.resolve(strict=True)
        except (OSError, ValueError):
            return False
        cache = self.folder.parents[1] / ".dvc" / "cache"
        return not hidden and target.is_file() and any(target.is_relative_to(home) for home in (self.folder, cache))


def make_server(folder: Path, host: str, port: int, public_url: str = "") -> ThreadingHTTPServer:
    """A server that is bound and not started yet.

    Raises:
        UserError: the address is taken or not this machine's.
    """
    hosts = frozenset(filter(None, [urlsplit(public_url).hostname]))
    try:
        return ThreadingHTTPServer((host, port), partial(ReportsHandler, folder=folder, hosts=hosts))
    except OSError as error:
        raise UserError(f"{host}:{port}: cannot listen there ({error}); name another port by --port") from None


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser(description="data/reports of the project folder over HTTP, read-only.")
    parser.add_argument(
        "--host", default="127.0.0.1", help="another one shows the reports, which name users, to others"
    )
    parser.add_argument("--port", type=int, default=PORT)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        settings = read_settings()
        server = make_server(Path.cwd() / "data" / "reports", arguments.host, arguments.port, settings.reports_url)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    with server:
        url = f"http://{arguments.host}:{server.server_port}"
        logger.info("reports on %s; links on Prefect's pages: export RECOPS_REPORTS_URL=%s", url, url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            logger.info("stopped")


if __name__ == "__main__":
    main()
