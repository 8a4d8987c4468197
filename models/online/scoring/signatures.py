"""Types of the kernels' arguments: contiguous arrays, declared read-only, so that mapped arrays fit too."""

from __future__ import annotations

from typing import Any

from numba import types  # type: ignore[import-untyped, unused-ignore]


def read_only(dtype: Any, n_dimensions: int = 1) -> Any:
    """An argument that the kernel only reads."""
    return types.Array(dtype, n_dimensions, "C", readonly=True)


INTS, INTS_2D = read_only(types.int32), read_only(types.int32, 2)
FLOATS, FLOATS_2D = read_only(types.float32), read_only(types.float32, 2)
DOUBLES = read_only(types.float64)
MASKS_16, MASKS_64 = read_only(types.uint16), read_only(types.uint64)
