"""Loopback never goes through a proxy, whatever HTTP_PROXY says: our own requests, and those of libraries."""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import os
import urllib.request
from typing import Any
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

PROXIES = ("http_proxy", "https_proxy", "all_proxy")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def bypass_proxies() -> None:
    """Adds loopback to NO_PROXY and no_proxy, which Prefect's clients and every child process read."""
    spared: list[str] = []
    for name in ("no_proxy", "NO_PROXY"):
        spared += [host for part in os.environ.get(name, "").split(",") if (host := part.strip()) not in {"", *spared}]
    if "*" not in spared:
        spared += [host for host in LOOPBACK if host not in spared]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(spared)
    if importlib.util.find_spec("socksio") is None:
        for name in [name for name in os.environ if name.lower() in PROXIES and _is_socks(os.environ[name])]:
            logger.warning("%s names a SOCKS proxy, for which the package `socksio` is missing: not used", name)
            del os.environ[name]  # Prefect's client would not even start


def _is_socks(proxy: str) -> bool:
    return proxy.strip().lower().startswith("socks")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_url(request: str | urllib.request.Request, *, timeout_s: float) -> Any:
    """`urllib.request.urlopen`, without a proxy when the address is on this machine."""
    url = request if isinstance(request, str) else request.full_url
    if is_loopback(url):
        return _direct.open(request, timeout=timeout_s)
    return urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310


def answers(url: str, *, timeout_s: float) -> bool:
    """Whether a GET of an address ends in time with 200."""
    try:
        with open_url(url, timeout_s=timeout_s) as reply:
            return bool(reply.status == 200)
    except (OSError, ValueError):
        return False
