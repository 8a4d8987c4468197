"""Arrays on disk as safetensors, written whole or not at all; the same arrays give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.files import replacing


def write_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Named arrays into one file."""
    from safetensors.numpy import save

    with replacing(path) as scratch:
        scratch.write_bytes(save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}))


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of one file by name."""
    from safetensors.numpy import load_file

    return dict(load_file(path))
