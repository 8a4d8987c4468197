"""Feast's keys of rows: join keys and their values as bytes, version 3 of Feast's encoding."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

_STRING = 2  # of Feast's ValueType: all our join keys and their values are texts


def encode(key: Mapping[str, str]) -> bytes:
    """Join key → value, as Feast's stores look it up."""
    pairs = sorted(key.items())
    parts = [struct.pack("<I", len(pairs))]
    for text in (*(name for name, _ in pairs), *(value for _, value in pairs)):
        content = text.encode()
        parts += [struct.pack("<2I", _STRING, len(content)), content]
    return b"".join(parts)


def decode(key: bytes) -> dict[str, str]:
    """Join key → value.

    Raises:
        ValueError: these bytes are no key whose values are texts.
    """
    if len(key) < 4:
        raise ValueError("too short for a key")
    texts = list(_texts(key))
    (n_names,) = struct.unpack_from("<I", key)
    if len(texts) != 2 * n_names:
        raise ValueError(f"{len(texts)} texts, expected {n_names} names and their values")
    return dict(zip(texts[:n_names], texts[n_names:], strict=True))


def _texts(key: bytes) -> Iterator[str]:
    place = 4
    while place < len(key):
        if len(key) < place + 8:
            raise ValueError("ends within a length")
        kind, length = struct.unpack_from("<2I", key, place)
        place += 8
        if kind != _STRING or len(key) < place + length:
            raise ValueError("no text, or one that is cut off")
        yield key[place : place + length].decode()
        place += length
