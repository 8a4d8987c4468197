"""Where a request comes from: its Host header, and whether a page of another origin made the browser send it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.errors import ApiError

Headers = Sequence[tuple[bytes, bytes]]
Authority = tuple[str, int | None]  # host name or address, lower case; port, None where the default is meant

DEFAULT_PORTS = {"http": 80, "https": 443}
SAFE_METHODS = frozenset({"GET", "HEAD"})
_authority = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(?::(?P<port>[0-9]{0,5}))?"
AUTHORITY = re.compile(_authority)
ORIGIN = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://" + _authority)


def values_of(headers: Headers, name: bytes) -> list[str]:
    """Every value of a header; ASGI gives names in lower case."""
    return [value.decode("latin-1").strip() for header, value in headers if header == name]


def requested_authority(headers: Headers, http_version: str) -> Authority:
    """Host and port that the client asked for; `localhost` where HTTP/1.0 names none.

    Raises:
        ApiError: 400, the header is missing, there several times, or no host and port.
    """
    hosts = values_of(headers, b"host")
    if not hosts and http_version == "1.0":
        return "localhost", None
    match = AUTHORITY.fullmatch(hosts[0]) if len(hosts) == 1 else None
    authority = _authority_of(match) if match else None
    if authority is None:
        shown = f"'{hosts[0][:60]}'" if len(hosts) == 1 else f"{len(hosts)} of them"
        raise ApiError(400, f"Host: found {shown}; expected one header with host and port", field="Host")
    return authority


def check_same_origin(method: str, headers: Headers, authority: Authority) -> None:
    """Refuses requests from pages of another origin; a client that is no browser sends neither header.

    Raises:
        ApiError: 403, `Origin` is another one (or null), or `Sec-Fetch-Site` says that another site asks.
    """
    for origin in values_of(headers, b"origin"):
        if not _is_own(origin, authority):
            raise ApiError(403, f"Origin: pages of '{origin[:60]}' get no answers from this service", field="Origin")
    for site in values_of(headers, b"sec-fetch-site"):
        if site != "same-origin" and not (site == "none" and method in SAFE_METHODS):
            message = f"Sec-Fetch-Site: found '{site[:60]}'; only pages of this service get answers (enter its address)"
            raise ApiError(403, message, field="Sec-Fetch-Site")


def _is_own(origin: str, authority: Authority) -> bool:
    """Whether an Origin is the service itself; the scheme is not compared, a proxy in front may add TLS."""
    match = ORIGIN.fullmatch(origin)
    sender = _authority_of(match) if match else None
    if match is None or sender is None:
        return False
    default = DEFAULT_PORTS.get(match["scheme"].lower())
    return (sender[0], sender[1] or default) == (authority[0], authority[1] or default)


def _authority_of(match: re.Match[str]) -> Authority | None:
    port = int(match["port"]) if match["port"] else None
    if not match["host"] or (port is not None and port > 65_535):
        return None
    return match["host"].lower(), port
