"""Compiled kernels and their cache: one folder for all copies of this code on a machine, keyed by what the code says.

Numba keys its cache by the path of a file, and each release's Bento is a copy of the code at a path of its own: each
would compile for half a minute before its first answer.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import njit
from numba.core.caching import _CacheLocator

logger = logging.getLogger(__name__)

FOLDER = "RECOPS_KERNEL_CACHE"  # the setting `kernel_cache`; read here, since kernels are compiled on import
HERE = Path(__file__).resolve().parent
_config: Any = numba.config
_code = HERE.parents[1]
READ_BY_KERNELS = (
    _code / "features" / "states" / "aggregates.py",
    _code / "features" / "states" / "candidate_features.py",
    _code / "models" / "transformer" / "shape.py",
)

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class ContentLocator(_CacheLocator):  # type: ignore[misc]
    """Where numba keeps the kernels of this room; `NUMBA_CACHE_LOCATOR_CLASSES` is its documented way to say so."""

    def __init__(self, function: Any, source: str) -> None:
        self._name = f"{Path(source).stem}-{function.__code__.co_firstlineno}"

    def get_cache_path(self) -> str:
        return str(folder() / _digest_of_code())

    def get_source_stamp(self) -> str:
        return _digest_of_code()

    def get_disambiguator(self) -> str:
        return self._name

    @classmethod
    def from_function(cls, function: Any, source: str) -> ContentLocator:
        return cls(function, source)


def kernel(signature: Any, **options: Any) -> Callable[[Kernel], Kernel]:
    """Decorator: compiles a function for a signature (or several) when it is defined, or loads it from the cache.

    It holds no lock of Python's while it runs, and does not reorder additions; options: further ones of numba's.
    """

    def decorate(function: Kernel) -> Kernel:
        is_cached = _usable()
        before = _config.CACHE_LOCATOR_CLASSES
        _config.CACHE_LOCATOR_CLASSES = f"{__name__}.{ContentLocator.__name__}"
        try:
            return cast(Kernel, njit(signature, cache=is_cached, nogil=True, **options)(function))
        finally:
            _config.CACHE_LOCATOR_CLASSES = before

    return decorate


def folder() -> Path:
    """The cache folder: the setting's, else `recops/kernels` in the user's folder of caches."""
    given = os.environ.get(FOLDER)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else caches / "recops" / "kernels"


@cache
def _usable() -> bool:
    """Whether the folder can be used; what is loaded from it runs, so nobody else may write there."""
    path = folder() / _digest_of_code()
    try:
        is_new = not path.is_dir()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
        owned = all(_is_own(place) for place in (path, path.parent))
    except OSError as error:
        logger.warning("kernels are compiled at each start: %s cannot be written (%s); set %s", path, error, FOLDER)
        return False
    if not owned:
        logger.warning("kernels are compiled at each start: others may write %s; set %s", path, FOLDER)
        return False
    if is_new:
        logger.warning("compiling kernels for this processor into %s: half a minute, once", path)
    return True


def _is_own(path: Path) -> bool:
    status = path.stat()
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def _digest_of_code() -> str:
    """Of all modules of this room and what their kernels read of others: kernels are compiled into each other."""
    digest = hashlib.sha256()
    for path in (*sorted(HERE.rglob("*.py")), *READ_BY_KERNELS):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
