"""Arrays on disk as safetensors, written whole or not at all; the same arrays give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.files import replacing

LENGTH_BYTES = 8  # of the header, little-endian; the header, JSON, follows, then the arrays
DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}


def write_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Named arrays into one file."""
    from safetensors.numpy import save

    with replacing(path) as scratch:
        scratch.write_bytes(save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}))


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of one file by name, mapped: processes that read the same file share its memory.

    What is written into an array is seen by this process alone, and takes memory of its own (copy on write).

    Raises:
        ValueError: the file is no safetensors file of arrays, or it is cut short.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if not 2 <= length <= path.stat().st_size - LENGTH_BYTES:
            raise ValueError(f"{path}: found no safetensors header; the file is not whole, or of another kind")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    start = LENGTH_BYTES + length
    end = start + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if path.stat().st_size < end:
        raise ValueError(f"{path}: found {path.stat().st_size} bytes, expected {end}: the file is cut short")
    content = np.memmap(path, dtype=np.uint8, mode="c").view(np.ndarray)
    return {name: _array(content, start, entry) for name, entry in sorted(header.items())}


def _array(content: npt.NDArray[np.uint8], start: int, entry: Mapping[str, Any]) -> npt.NDArray[Any]:
    """One array of a file; entry: its dtype, shape and data_offsets in the header."""
    first, last = entry["data_offsets"]
    dtype, shape = DTYPES[entry["dtype"]], tuple(entry["shape"])
    if first == last:
        return np.zeros(shape, dtype=dtype)
    part = content[start + first : start + last]
    array = part.view(dtype).reshape(shape)
    return array if array.flags.aligned else array.copy()
