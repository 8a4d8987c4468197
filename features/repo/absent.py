"""Imports of large packages without the parts of others that they would bring and nothing here uses."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator


@contextlib.contextmanager
def absent(*names: str) -> Iterator[None]:
    """Makes packages impossible to import meanwhile, unless they are imported already.

    typeguard's decorator becomes the identity, since those who use it cannot do without.
    """
    substituted = [name for name in names if name not in sys.modules]
    for name in substituted:
        if name == "typeguard":
            stub = types.ModuleType(name)
            stub.typechecked = lambda thing=None, **_: thing or (lambda inner: inner)  # type: ignore[attr-defined]
            sys.modules[name] = stub
        else:
            sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in substituted:
            sys.modules.pop(name, None)
