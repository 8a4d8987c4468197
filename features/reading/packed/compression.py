"""Compression: a compressed file as bytes, and limits to what anything unpacks to: a bomb ends in a sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pyarrow as pa

from features.errors import UserError

ENDINGS = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4")
MOST_BYTES = 16 << 30  # of one file, unpacked
LEAST_LIMIT = 1 << 26  # what is smaller is never refused
MOST_RATIO = 100  # unpacked : packed, beyond LEAST_LIMIT; tables reach 30, a bomb starts at 200
BLOCK = 1 << 22
HEAD = 512  # bytes that are enough to tell a format
AGAIN = "download or copy it again, or unpack it and give the folder"
_NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".lzma": "lzma", ".zst": "zstd", ".lz4": "lz4"}
_HEADS = {
    ".gz": b"\x1f\x8b\x08",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\0",
    ".zst": b"\x28\xb5\x2f\xfd",
    ".lz4": b"\x04\x22\x4d\x18",
}
_BZ2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # first block, or the end of an empty file


def ending_of(name: str) -> str:
    """The ending of a compressed file's name; empty where it is none."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in ENDINGS else ""


def bare_name(name: str) -> str:
    """The name without the ending of its compression."""
    ending = ending_of(name)
    return name[: -len(ending)] if ending else name


def compression_of(name: str, head: bytes) -> str:
    """The ending of the compression that a file's name or its first bytes tell; empty: it is not compressed."""
    return ending_of(name) or next((ending for ending in _HEADS if _begins(head, ending)), "")


def unpacked(data: bytes, name: str, shown: str) -> bytes:
    """The bytes of a file, decompressed where its name or its first bytes say that they are compressed.

    Raises:
        UserError: it is damaged, or unpacks to more than the limit.
    """
    ending = compression_of(name, data[:HEAD])
    if not ending:
        return data
    try:
        with opened(io.BytesIO(data), ending) as stream:
            return bounded(stream, len(data), shown)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
        raise UserError(f"{shown}: no readable {_NAMES[ending]} file ({error}); {AGAIN}") from error


def opened(stream: BinaryIO, ending: str) -> BinaryIO:
    """A stream of what a compressed stream holds."""
    if ending == ".gz":
        return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]
    if ending == ".bz2":
        return bz2.BZ2File(stream)  # type: ignore[return-value]
    if ending in {".xz", ".lzma"}:
        return lzma.LZMAFile(stream)  # type: ignore[return-value]
    return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), _NAMES[ending])  # type: ignore[no-any-return]


def bounded(stream: BinaryIO, n_packed: int, shown: str) -> bytes:
    """All bytes of a stream that unpacks `n_packed` bytes.

    Raises:
        UserError: there are more than the limit.
    """
    blocks, size = [], 0
    while block := stream.read(BLOCK):
        blocks.append(block)
        size += len(block)
        check_size(size, n_packed, shown, at_least=True)
    return b"".join(blocks)


def check_ratio(size: int, n_packed: int, shown: str, *, at_least: bool = False) -> None:
    """That unpacked bytes are not too many times as many as the packed ones.

    Raises:
        UserError: they are.
    """
    if size > max(LEAST_LIMIT, MOST_RATIO * n_packed):
        raise UserError(
            f"{shown}: {_size(n_packed)} unpack to {'at least ' if at_least else ''}{_size(size)}, more than "
            f"{MOST_RATIO} times as much, as in an archive bomb; if the data really are so, unpack it yourself and "
            "give the folder"
        )


def check_size(size: int, n_packed: int, shown: str, *, at_least: bool = False) -> None:
    """That unpacked bytes stay below the limits: by their ratio to the packed ones, and by the memory that is free.

    Raises:
        UserError: they do not.
    """
    check_ratio(size, n_packed, shown, at_least=at_least)
    if size <= LEAST_LIMIT:
        return
    limit = min(MOST_BYTES, max(LEAST_LIMIT, free_memory() // 4))
    if size > limit:
        raise UserError(
            f"{shown}: {'at least ' if at_least else ''}{_size(size)} of data, more than the {_size(limit)} that "
            "an import takes of one file here (a quarter of the memory that is free); split the table into several "
            "files, or import it where there is more memory"
        )


def free_memory() -> int:
    """Bytes of memory that a process may still take here: of the machine, or of the container if that is less."""
    free = [_machine_free()]
    limit, used = _number(Path("/sys/fs/cgroup/memory.max")), _number(Path("/sys/fs/cgroup/memory.current"))
    if limit is not None and used is not None:
        free.append(max(0, limit - used))
    return min(free)


def _machine_free() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return 2 * MOST_BYTES  # not told: no limit by memory


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _begins(data: bytes, ending: str) -> bool:
    return data.startswith(_HEADS[ending]) and (ending != ".bz2" or data[4:10] in _BZ2_BLOCKS)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.0f} MiB" if n_bytes >= 2**20 else f"{n_bytes / 2**10:,.1f} KiB"
