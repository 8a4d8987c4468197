"""Stores: the files of a folder, a zip or a tar archive, or one file, by name; nothing is unpacked to the disk."""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

from features.errors import UserError
from features.reading.packed.compression import (
    AGAIN,
    HEAD,
    bare_name,
    check_ratio,
    check_size,
    compression_of,
    opened,
)
from features.reading.packed.foreign import PARQUET, foreign_data, office_document

Kind = Literal["folder", "zip", "tar", "file"]
DEPTH = 3  # folders within folders; those of partitions (`day=1`) are not counted
DEEPEST = 12
TAR_ENDINGS = (".tgz", ".tbz", ".tbz2", ".txz", ".tzst")
_COMPRESSED_TAR = {".tgz": ".gz", ".tbz": ".bz2", ".tbz2": ".bz2", ".txz": ".xz", ".tzst": ".zst"}


def kind_of(path: Path) -> Kind:
    """What a path is, by its name and its first bytes.

    Raises:
        UserError: it is of a format that no source reads; says which and what to do.
    """
    if path.is_dir():
        return "folder"
    name = path.name.lower()
    if name.endswith(".zip"):
        return "zip"
    if bare_name(name).endswith(".tar") or name.endswith(TAR_ENDINGS):
        return "tar"
    head = _head(path)
    if head.startswith(b"PK\3\4") and zipfile.is_zipfile(path):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    foreign = None if head.startswith(PARQUET) else foreign_data(head)
    if foreign:
        raise UserError(f"{path}: this is {foreign}")
    return "file"


def _head(path: Path) -> bytes:
    """The first bytes of a file, decompressed; as they stand where they cannot be."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        ending = compression_of(path.name, head)
        if not ending:
            return head
        file.seek(0)
        try:
            with opened(file, ending) as stream:
                return bytes(stream.read(HEAD))
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            return head


def names_in(path: Path, kind: Kind) -> list[str]:
    """Names of all files."""
    if kind == "folder":
        return list(_walk(path, "", 1, 1))
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
            check_ratio(sum(entry.file_size for entry in archive.infolist()), path.stat().st_size, str(path))
        document = office_document(set(names))
        if document:
            raise UserError(f"{path}: this is {document}")
        return names
    if kind == "tar":
        return [member.name for _, member in _members(path)]
    return [path.name]


def bytes_of(path: Path, kind: Kind, name: str, shown: str) -> bytes:
    """The bytes of one file, still compressed where it is a compressed file.

    Raises:
        UserError: it unpacks to more than the limit.
    """
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(name)
            check_size(entry.file_size, entry.compress_size, shown)
            return archive.read(name)
    if kind == "tar":
        for tar, member in _members(path):
            content = tar.extractfile(member) if member.name == name else None
            if content is not None:
                check_size(member.size, member.size, shown)
                return bytes(content.read())
        raise UserError(f"{shown}: it is no longer in the archive; {AGAIN}")
    file = path / name if kind == "folder" else path
    check_size(file.stat().st_size, file.stat().st_size, shown)
    return file.read_bytes()


def _walk(folder: Path, prefix: str, depth: int, level: int) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_file():
                yield f"{prefix}{entry.name}"
            elif entry.is_dir() and level < DEEPEST:
                below = depth + (0 if "=" in entry.name else 1)
                if below <= DEPTH:
                    yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", below, level + 1)


def _members(path: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The regular files of a tar archive, in its order; links and devices are left out.

    Raises:
        UserError: it is damaged, or a bomb.
    """
    packed, total = path.stat().st_size, 0
    try:
        with _tar_stream(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                total += member.size + tarfile.BLOCKSIZE
                check_ratio(total, packed, str(path))
                if member.isreg():
                    yield archive, member
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's fault, not the archive's
            raise
        raise UserError(f"{path}: no readable tar archive ({error}); {AGAIN}") from error


@contextmanager
def _tar_stream(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        ending = _COMPRESSED_TAR.get(path.suffix.lower()) or compression_of(path.name, file.read(HEAD))
        file.seek(0)
        if not ending:
            yield file
            return
        with opened(file, ending) as stream:
            yield stream
