"""Vector store: raw vectors by the hash of their text, so that only new and changed texts are encoded again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from features.arrays import Float32
from models.data.storage import read_arrays, write_arrays

logger = logging.getLogger(__name__)

HASH_BYTES = 32


def text_hash(text: str) -> bytes:
    """sha256 of a text."""
    return hashlib.sha256(text.encode()).digest()


def maker_hash(*parts: Any) -> bytes:
    """sha256 over everything but the text that decides a vector: weights, arithmetic, versions."""
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def vectors_by_hash(
    texts: Sequence[str], maker: bytes, path: Path, encode: Callable[[list[str]], Float32]
) -> tuple[Float32, int]:
    """(n_texts, size) raw vectors of distinct texts, and how many of them were encoded now.

    What the file at `path` has of them by the same maker is taken from there; afterwards it holds exactly these texts,
    ascending by hash, whatever it held before. encode: must give a text the same vector in any company.
    """
    keys = {text_hash(text): text for text in texts}
    known = _read(path, maker)
    missing = sorted(set(keys) - set(known))
    fresh = encode([keys[key] for key in missing]) if missing else np.zeros((0, 0), dtype=np.float32)
    if len(missing) and known and fresh.shape[1] != len(next(iter(known.values()))):
        known = {}
        missing = sorted(keys)
        fresh = encode([keys[key] for key in missing])
    rows = {key: known[key] for key in keys if key in known} | dict(zip(missing, fresh, strict=True))
    logger.info("embed n_texts=%d n_encoded=%d n_reused=%d", len(keys), len(missing), len(keys) - len(missing))
    ordered = sorted(rows)
    size = len(rows[ordered[0]]) if ordered else 0
    stored = np.array([rows[key] for key in ordered], dtype=np.float32).reshape(len(ordered), size)
    arrays: dict[str, Any] = {
        "hashes": np.frombuffer(b"".join(ordered), dtype=np.uint8).reshape(-1, HASH_BYTES),
        "maker": np.frombuffer(maker, dtype=np.uint8),
        "vectors": stored,
    }
    write_arrays(arrays, path)
    place = {key: row for row, key in enumerate(ordered)}
    return stored[[place[text_hash(text)] for text in texts]], len(missing)


def _read(path: Path, maker: bytes) -> dict[bytes, Float32]:
    """Hash → vector of a file by the same maker; nothing of another one's, or of a file that is not whole."""
    if not path.is_file():
        return {}
    try:
        arrays = read_arrays(path)
        hashes, vectors = arrays["hashes"], np.array(arrays["vectors"])
        if arrays["maker"].tobytes() != maker or len(hashes) != len(vectors) or not np.isfinite(vectors).all():
            return {}
    except (OSError, ValueError, KeyError):
        return {}
    return {row.tobytes(): vector for row, vector in zip(hashes, vectors, strict=True)}
