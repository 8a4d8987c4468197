"""Checks before the first worker answers: settings that would otherwise fail late, each with a one-sentence error."""

from __future__ import annotations

import logging
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from features.errors import UserError
from features.settings import Settings
from models.release.bundle import read_manifest
from models.release.code import bento_folder
from models.release.store import Release, ReleaseStore, read_release
from services.access.keys import check_host
from services.access.quotas import parse_quotas

CONNECT_S = 5
REDIS_PORT = 6379


def check(settings: Settings, host: str, port: int, *, working_tree: bool = False) -> Release:
    """The release that will be served; every check of this file.

    Raises:
        UserError: see `check_settings` and `check_stores`.
    """
    release = check_settings(settings, host, port, working_tree=working_tree)
    check_stores(settings, release)
    return release


def check_settings(settings: Settings, host: str, port: int, *, working_tree: bool = False) -> Release:
    """The release that will be served; what can be told at once, before anything large is imported.

    Raises:
        UserError: a setting does not fit, home cannot be written, nothing was released, its bundle or Bento is gone, or
            the port is taken.
    """
    if settings.at:
        from services.instants import fixed_instant  # which imports polars

        fixed_instant(settings.at)
    check_host(settings, host)
    parse_quotas(settings.quotas)
    check_home(settings.home)
    release = released(settings)
    if not working_tree:
        bento_of(settings, release)
    listen(host, port).close()
    return release


def check_home(home: Path) -> None:
    """Events, releases and registrations are written below home.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".write-test-"):
            pass
    except OSError as error:
        raise UserError(
            f"RECOPS_HOME {home} cannot be written ({error.strerror}): events could not be recorded; set it to a "
            "folder that this user may write, on a disk with space"
        ) from None


def released(settings: Settings) -> Release:
    """The fixed release of the settings, or the live one.

    Raises:
        UserError: there is none, or its bundle is gone.
    """
    store = ReleaseStore(settings.home)
    wanted = settings.release or store.live()
    if wanted is None:
        raise UserError(
            f"{store.pointer}: nothing is live; make a release with `recops run && recops release`, or set RECOPS_HOME "
            "to the folder that holds one"
        )
    if (Path(wanted) / "release.json").is_file():
        release = read_release(Path(wanted) / "release.json")
        read_manifest(Path(wanted) / "bundle")
        return release
    release = store.read(wanted)
    read_manifest(store.bundle(release.release))
    return release


def bento_of(settings: Settings, release: Release) -> Path:
    """The folder of the Bento that was built and replayed for a release.

    Raises:
        UserError: it has none, or it is not there.
    """
    remedy = "release again (`recops release`), or serve the code of the working tree (`recops serve --working-tree`)"
    if not release.bento_tag:
        raise UserError(f"release {release.release} was recorded without a Bento; {remedy}")
    folder = bento_folder(settings.home, release.bento_tag)
    if not (folder / "bento.yaml").is_file():
        raise UserError(f"release {release.release}: its Bento {release.bento_tag} is not in {folder.parent}; {remedy}")
    if not (folder / "src" / "services" / "worker.py").is_file():
        raise UserError(
            f"release {release.release}: its Bento {release.bento_tag} was built by an older recops that `recops "
            f"serve` cannot start; {remedy}"
        )
    return folder


@contextmanager
def _quiet_outages() -> Iterator[None]:
    """What is refused here says why itself; that a store is probed from now on is of no use to anybody."""
    outages = logging.getLogger("features.resilience.outages")
    before = outages.disabled
    outages.disabled = True
    try:
        yield
    finally:
        outages.disabled = before


def check_stores(settings: Settings, release: Release) -> None:
    """The event log and the online store answer, and the ids in them can be hashed as the release's.

    Raises:
        UserError: the URL of one is wrong, nothing answers there, or the key of the release's hashed ids is not set.
    """
    from features.events.database import DatabaseError
    from features.events.event_log import EventLog
    from features.online.backends import place
    from features.privacy.hashed_ids import hasher_for

    id_key = str(release.source.get("id_key") or "")
    hasher_for(id_key, settings.id_key.get_secret_value(), f"release {release.release}")
    log = EventLog(settings.events_url)
    try:
        with _quiet_outages():
            log.last_seq()
    except DatabaseError as error:
        raise UserError(
            f"RECOPS_DATABASE_URL: the event log does not answer ({_one_line(error)}); correct it"
        ) from None
    finally:
        log.close()
    online = place(settings.online_store, settings.home / "online", "start_check")
    if settings.online_store != "sqlite":
        _check_address(settings.online_store)
        try:
            online.prepare()
        except Exception as error:  # whatever the client of the store raises: a wrong number, a password, no server
            raise UserError(
                f"RECOPS_ONLINE_STORE: the store does not answer ({_one_line(error)}); correct it"
            ) from None


def listen(host: str, port: int, backlog: int = 2048) -> socket.socket:
    """A listening socket that worker processes inherit.

    Raises:
        UserError: host or port cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(backlog)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise UserError(f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port") from None
    listener.setblocking(False)
    return listener


def _check_address(url: str) -> None:
    """The online store's server takes connections; asked first, since its client waits long for one that is silent."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or REDIS_PORT
        int(parts.path.strip("/") or 0)  # the number of the database
    except ValueError as error:
        raise UserError(f"RECOPS_ONLINE_STORE is no URL ({error}); expected redis://host:port/number") from None
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except OSError as error:
        raise UserError(
            f"RECOPS_ONLINE_STORE: nothing answers at {host}:{port} ({error.strerror or error}); start it or correct it"
        ) from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
