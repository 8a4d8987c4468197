"""Kernels of training compiled once a machine, whichever copy of the code the tests run in.

Numba keeps them beside the code, under its path and time: each fresh clone would compile for over a minute.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import CacheImpl, _CacheLocator

from models.online.kernel_cache import folder

MODELS = Path(__file__).parents[2] / "models"


class ByContent(_CacheLocator):
    """Keeps the kernels of a file of `models/` under a digest of the file, in the folder of the service's kernels."""

    def __init__(self, source: Path) -> None:
        self._digest, self._stem = _digest(source), source.stem

    def get_cache_path(self) -> str:
        return str(folder() / "training" / self._digest)

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return self._stem

    def ensure_cache_path(self) -> None:
        """What is loaded from there runs: nobody else may write it."""
        Path(self.get_cache_path()).mkdir(mode=0o700, parents=True, exist_ok=True)
        super().ensure_cache_path()

    @classmethod
    def from_function(cls, function: Any, source: str) -> ByContent | None:
        path = Path(source)
        if not path.is_relative_to(MODELS):
            return None
        locator = cls(path)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None  # beside the code, as outside of tests
        return locator


@cache
def _digest(source: Path) -> str:
    """Of the whole file: its kernels call each other, and read its constants only."""
    return hashlib.sha256(source.read_bytes()).hexdigest()[:16]


def share() -> None:
    """For this process; further ones, which have copies of the code, compile for themselves."""
    import numba

    standard = [locator.__name__ for locator in CacheImpl._locator_classes]
    numba.config.CACHE_LOCATOR_CLASSES = ",".join([f"{__name__}.{ByContent.__name__}", *standard])
