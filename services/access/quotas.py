"""Quotas: how many requests a second a key may send, counted over all workers of this machine.

Each key has a bucket of tokens that fills at a rate; a request takes one. It is kept as one number, the theoretical
arrival time of the generic cell rate algorithm (ITU-T I.371, annex A): the instant at which the bucket is full again.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import mmap
import os
import re
import struct
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import UserError
from services.metric_files import VARIABLE

logger = logging.getLogger(__name__)

ANYBODY = "*"  # a quota for whoever has no other; without keys, for all requests together
PREFIX = re.compile(r"[0-9a-f]{8,64}")
NUMBER = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")
_INSTANT = struct.Struct("d")


@dataclass(frozen=True)
class Quota:
    """rate: requests a second, greater than 0; burst: requests at once, at least 1."""

    rate: float
    burst: float


def parse_quotas(text: str) -> dict[str, Quota]:
    """`name:rate/burst`, comma separated → name → quota; a name is a role, the first 8 or more hex digits of a key's
    hash, or `*`.

    Raises:
        UserError: an entry is no such triple, or a name is there twice.
    """
    quotas: dict[str, Quota] = {}
    for entry in filter(None, re.split(r"[,\s]+", text)):
        name, _, numbers = entry.rpartition(":")
        rate, _, burst = numbers.partition("/")
        fits = all(NUMBER.fullmatch(number) for number in (rate, burst)) and float(rate) > 0 and float(burst) >= 1
        if not fits or not name or name in quotas:
            raise UserError(
                f"RECOPS_QUOTAS: '{entry[:60]}' is not name:rate/burst, each name once (client:50/100: 50 requests a "
                "second, 100 at once; a name is a role, 8 or more hex digits of a key's hash, or *)"
            )
        quotas[name] = Quota(float(rate), float(burst))
    return quotas


def quota_of(digest: str, role: str, quotas: Mapping[str, Quota]) -> Quota | None:
    """The quota of a key: that of the longest prefix of its hash, else of its role, else of everybody."""
    prefixes = [name for name in quotas if PREFIX.fullmatch(name) and digest.startswith(name)]
    name = max(prefixes, key=len) if digest and prefixes else role if role in quotas else ANYBODY
    return quotas.get(name)


class Quotas:
    """The buckets of all keys.

    roles: digest of each key → role, as `Keys` has them; folder: where the file of the buckets is that all workers map
    (it holds one instant a key, and no key).
    """

    def __init__(
        self,
        text: str,
        roles: Mapping[str, str],
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,  # the same in all processes of a machine
    ) -> None:
        quotas = parse_quotas(text)
        of_keys = {digest: quota_of(digest, role, quotas) for digest, role in sorted(roles.items())}
        if not roles:
            of_keys = {"": quotas.get(ANYBODY)}
        self._of_keys = {digest: quota for digest, quota in of_keys.items() if quota is not None}
        self._slots = {digest: slot * _INSTANT.size for slot, digest in enumerate(self._of_keys)}
        self._clock = clock
        if self._of_keys:
            name = hashlib.sha256(repr((text, sorted(roles))).encode()).hexdigest()[:12]
            self._file = _opened(folder, f"quotas-{name}.bin", len(self._of_keys) * _INSTANT.size)
            self._full_at = mmap.mmap(self._file, len(self._of_keys) * _INSTANT.size)

    def __bool__(self) -> bool:
        return bool(self._of_keys)

    def take(self, digest: str) -> float | None:
        """Takes a token for a key ("" without keys): None where it had one, else the seconds until it has one."""
        quota = self._of_keys.get(digest)
        if quota is None:
            return None
        slot = self._slots[digest]
        fcntl.lockf(self._file, fcntl.LOCK_EX, _INSTANT.size, slot)
        try:
            now = self._clock()
            (full_at,) = _INSTANT.unpack_from(self._full_at, slot)
            full_at = max(full_at, now)
            wait = full_at - now - (quota.burst - 1) / quota.rate
            if wait > 1e-9:
                return float(wait)
            _INSTANT.pack_into(self._full_at, slot, full_at + 1 / quota.rate)
            return None
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _INSTANT.size, slot)


def shared_folder() -> Path | None:
    """The folder that the workers of this server share, in memory; None: this process is alone."""
    folder = os.environ.get(VARIABLE)
    return Path(folder) if folder else None


def retry_after(wait: float) -> int:
    """Whole seconds for the header Retry-After."""
    return max(math.ceil(wait), 1)


def _opened(folder: Path | None, name: str, size: int) -> int:
    """A file descriptor of a file of that size: shared where that can be, else of this process alone."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.posix_fallocate(descriptor, 0, size)  # a write where there is no space would end the process
            return descriptor
        except OSError as error:
            logger.warning("%s: no file for quotas (%s); each worker counts for itself", folder, error.strerror)
    with tempfile.TemporaryFile() as file:
        descriptor = os.dup(file.fileno())
    os.posix_fallocate(descriptor, 0, size)
    return descriptor
