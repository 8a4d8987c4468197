"""Threads: limits BLAS to one thread for reproducible results, or where starting more costs more than it saves."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """A context in which numpy's and scipy's linear algebra uses one thread."""
    return _controller().limit(limits=1)  # type: ignore[no-any-return]


@cache
def _controller() -> Any:
    """The cached controller: finding the loaded libraries takes milliseconds, setting the limit microseconds."""
    import scipy.linalg  # noqa: F401  (scipy's OpenBLAS is only detected once loaded)
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
