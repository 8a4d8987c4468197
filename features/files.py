"""Small files written whole or not at all; imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(text: str, path: Path | str) -> None:
    """Writes a text file whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with scratch.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """What a folder lists is on the disk: names that were made, moved or removed in it outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
