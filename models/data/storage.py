"""Arrays on disk as safetensors, written whole or not at all; the same arrays give the same bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def write_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Named arrays into one file."""
    from safetensors.numpy import save

    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with scratch.open("wb") as file:
            file.write(save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of one file by name."""
    from safetensors.numpy import load_file

    return dict(load_file(path))
