"""Threads: one BLAS thread where bits must not depend on how many a machine has, or where waking more costs more."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """A context in which numpy's and scipy's linear algebra uses one thread."""
    return _controller().limit(limits=1)  # type: ignore[no-any-return]


@cache
def _controller() -> Any:
    """Looks for the loaded libraries once: that takes milliseconds, setting the limit microseconds."""
    import scipy.linalg  # noqa: F401  (its own OpenBLAS has to be loaded to be found)
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
