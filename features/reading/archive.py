"""Box: a folder, a zip archive or one file, seen as named byte files; every fault is a readable paragraph."""

from __future__ import annotations

import fnmatch
import gzip
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from features.errors import UserError

DEPTH = 3


@dataclass(frozen=True)
class Archive:
    """What an import was given. `names` are paths inside it, the outermost first, then by name."""

    path: Path
    names: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> Archive:
        """The files of a folder (down to its subfolders), of a zip archive, or the one file.

        Raises:
            UserError: nothing is there, it may not be read, or the archive is broken.
        """
        if not path.exists():
            raise UserError(_not_there(path))
        try:
            if path.is_dir():
                names = [
                    found.relative_to(path).as_posix()
                    for depth in range(1, DEPTH + 1)
                    for found in path.glob("/".join(["*"] * depth))
                    if found.is_file()
                ]
            elif path.suffix.lower() == ".zip":
                with zipfile.ZipFile(path) as archive:
                    names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
            else:
                names = [path.name]
        except zipfile.BadZipFile as error:
            raise UserError(f"{path}: no readable zip archive ({error}); {_AGAIN}") from error
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
        kept = [name for name in names if not any(_hidden(part) for part in PurePosixPath(name).parts)]
        return cls(path, tuple(sorted(kept, key=lambda name: (name.count("/"), name))))

    @property
    def single(self) -> bool:
        """Whether it is one file, neither a folder nor an archive."""
        return not self.path.is_dir() and self.path.suffix.lower() != ".zip"

    def find_all(self, *patterns: str) -> list[str]:
        """Names whose last part fits a pattern (any case; `.gz` may follow), in the order of `names`."""
        lowered = [pattern.lower() for pattern in patterns]
        lowered += [f"{pattern}.gz" for pattern in lowered]
        return [
            name
            for name in self.names
            if any(fnmatch.fnmatchcase(PurePosixPath(name).name.lower(), p) for p in lowered)
        ]

    def find(self, *patterns: str) -> str | None:
        """The first name that fits, earlier patterns before later ones; None without one."""
        for pattern in patterns:
            found = self.find_all(pattern)
            if found:
                return found[0]
        return None

    def shown(self, name: str) -> str:
        """A file of the box as a person may look for it."""
        return str(self.path) if self.single else f"{self.path}/{name}"

    def read(self, name: str) -> bytes:
        """The bytes of a file, unpacked when its name ends in `.gz`."""
        try:
            if self.path.is_dir():
                data = (self.path / name).read_bytes()
            elif self.path.suffix.lower() == ".zip":
                with zipfile.ZipFile(self.path) as archive:
                    data = archive.read(name)
            else:
                data = self.path.read_bytes()
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise UserError(f"{self.shown(name)}: the zip archive is damaged here ({error}); {_AGAIN}") from error
        except RuntimeError as error:
            raise UserError(
                f"{self.shown(name)}: the zip archive asks for a password; unpack it and give the folder"
            ) from error
        except OSError as error:
            raise UserError(f"{self.shown(name)}: cannot be read ({error.strerror}); check its permissions") from error
        if not name.lower().endswith(".gz"):
            return data
        try:
            return gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{self.shown(name)}: no readable gzip file ({error}); {_AGAIN}") from error

    def missing(self, what: str, remedy: str) -> UserError:
        """That a file which the source needs is not in the box; names what is there."""
        there = sorted({PurePosixPath(name).name for name in self.names})
        listed = f"these files are: {there[:12]}{' and more' if len(there) > 12 else ''}" if there else "it is empty"
        if any(name.startswith("interactions") for name in there):
            kind = "parquet" if "interactions.parquet" in there else "csv"
            remedy = f"it looks like tables: try `recops data import {kind} --path {self.path}`"
        return UserError(f"{self.path}: no {what} there, {listed}; {remedy}")


_AGAIN = "download or copy it again, or unpack it and give the folder"


def _hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _not_there(path: Path) -> str:
    parent = next((folder for folder in path.parents if folder.is_dir()), None)
    try:
        beside = sorted(found.name for found in parent.iterdir() if not _hidden(found.name)) if parent else []
    except OSError:
        beside = []
    listed = f"; in {parent} there are {beside[:12]}{' and more' if len(beside) > 12 else ''}" if beside else ""
    return f"{path}: no such file or folder{listed}; give the right one with --path"
