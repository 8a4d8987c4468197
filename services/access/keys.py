"""API keys: RECOPS_API_KEYS holds `role:sha256-of-key` pairs; without keys the service answers on loopback only."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from features.errors import UserError
from features.settings import Settings

ROLES = (
    "reader",
    "client",
    "operator",
    "admin",
)  # asks · and records · and keeps items, explains lists · all; another word: a client
ROLE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
OPEN = frozenset({"/", "/livez", "/readyz", "/healthz", "/metrics", "/favicon.ico", "/docs", "/docs.json"})
PAGES = ("/console/", "/docs/")  # the pages' own files
OPERATED = ("/items", "/delete_item", "/explain", "/why_not")  # the routes of an operator
BENTO = "/bento/"  # BentoML's methods: each needs what the route of that name needs
ADMIN_HEADER = "X-Recops-Admin"  # `1`, where there are no keys: no form and no link of a page can send it
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Keys:
    """Digest of each key → its role; empty: no keys are required."""

    roles: dict[str, str]

    @classmethod
    def of(cls, settings: Settings) -> Keys:
        """The keys of the environment.

        Raises:
            UserError: a pair is not `role:sha256`; the pair itself is never shown.
        """
        roles = {}
        for position, pair in enumerate(filter(None, re.split(r"[,\s]+", settings.api_keys.get_secret_value())), 1):
            role, _, digest = pair.partition(":")
            if not ROLE.fullmatch(role) or not SHA256.fullmatch(digest.lower()):
                raise UserError(
                    f"RECOPS_API_KEYS: pair {position} is not role:sha256 (a role such as {', '.join(ROLES)} and 64 "
                    "hex digits); make a digest with `printf %s KEY | sha256sum`"
                )
            roles[digest.lower()] = role
        return cls(roles)

    def match(self, key: str) -> tuple[str, str] | None:
        """Digest and role of a key; compared in constant time. None: it is none of them."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        match = None
        for accepted, role in self.roles.items():
            if hmac.compare_digest(accepted, digest):
                match = accepted, role
        return match


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key of a request: `Authorization: Bearer KEY` or `X-API-Key: KEY`."""
    for name, value in headers:
        if name == b"x-api-key":
            return value.decode("latin-1").strip()
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].decode("latin-1").strip()
    return None


def role_for(method: str, path: str) -> str | None:
    """The least role that a route needs; None: open to everyone (probes, metrics, the pages, the description)."""
    if path in OPEN or path.startswith(PAGES):
        return None
    if path.startswith(BENTO):
        path = path[len(BENTO) - 1 :]
    if path.startswith(OPERATED):
        return "operator"
    if path.startswith("/admin/") or method == "DELETE":
        return "admin"
    if path == "/events":
        return "client"
    return "reader"


def may(role: str, needed: str) -> bool:
    """Whether a role includes the needed one."""
    levels = {role: level for level, role in enumerate(ROLES)}
    return levels.get(role, levels["client"]) >= levels[needed]


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine only."""
    host = host.strip("[]").lower()
    if host in {"localhost", ""}:
        return host == "localhost"
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(settings: Settings, host: str) -> None:
    """Any host but loopback needs keys.

    Raises:
        UserError: there are none.
    """
    if not Keys.of(settings).roles and not is_loopback(host):
        raise UserError(
            f"host '{host}' can be reached from other machines and RECOPS_API_KEYS is empty; set it to role:sha256 "
            f"pairs (roles: {', '.join(ROLES)}; digest: `printf %s KEY | sha256sum`), or serve on 127.0.0.1"
        )
