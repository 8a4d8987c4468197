"""Archive: a folder, a zip or tar archive or one file as named byte files; every fault is a readable paragraph."""

from __future__ import annotations

import fnmatch
import zipfile
import zlib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from features.errors import UserError
from features.reading.packed.compression import AGAIN, ENDINGS, bare_name, unpacked
from features.reading.packed.foreign import foreign_name
from features.reading.packed.stores import Kind, bytes_of, kind_of, names_in

JSON = (".json", ".jsonl", ".ndjson")  # which some sources read


@dataclass(frozen=True)
class Archive:
    """What an import was given. `names` are paths inside it, the outermost first, then by name."""

    path: Path
    names: tuple[str, ...]
    kind: Kind = "folder"

    @classmethod
    def open(cls, path: Path) -> Archive:
        """The files of a folder (down to its subfolders), of a zip or tar archive, or the one file.

        Raises:
            UserError: nothing is there, it may not be read, the archive is broken, or no source reads its format.
        """
        if not path.exists():
            raise UserError(_not_there(path))
        try:
            kind = kind_of(path)
            names = names_in(path, kind)
        except zipfile.BadZipFile as error:
            raise UserError(f"{path}: no readable zip archive ({error}); {AGAIN}") from error
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from error
        kept = [name for name in names if not any(_hidden(part) for part in PurePosixPath(name).parts)]
        return cls(path, tuple(sorted(kept, key=lambda name: (name.count("/"), name))), kind)

    @property
    def single(self) -> bool:
        """Whether it is one file, neither a folder nor an archive."""
        return self.kind == "file"

    def find_all(self, *patterns: str) -> list[str]:
        """Names whose last part fits a pattern (any case; `.gz`, `.bz2`, `.xz`, `.zst` may follow), in their order."""
        lowered = [pattern.lower() for pattern in patterns]
        return [
            name
            for name in self.names
            if any(fnmatch.fnmatchcase(bare_name(PurePosixPath(name).name.lower()), pattern) for pattern in lowered)
        ]

    def find(self, *patterns: str) -> str | None:
        """The first name that fits, earlier patterns before later ones; None without one."""
        for pattern in patterns:
            fitting = self.find_all(pattern)
            if fitting:
                return fitting[0]
        return None

    def shown(self, name: str) -> str:
        """A file of the archive as a person may look for it."""
        return str(self.path) if self.single else f"{self.path}/{name}"

    def read(self, name: str) -> bytes:
        """The bytes of a file, decompressed when its name or its first bytes say that it is compressed.

        Raises:
            UserError: it is damaged, may not be read, or unpacks to more than the limit.
        """
        shown = self.shown(name)
        try:
            data = bytes_of(self.path, self.kind, name, shown)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise UserError(f"{shown}: the zip archive is damaged here ({error}); {AGAIN}") from error
        except RuntimeError as error:
            raise UserError(f"{shown}: the zip archive asks for a password; unpack it and give the folder") from error
        except OSError as error:
            raise UserError(f"{shown}: cannot be read ({error.strerror or error}); check its permissions") from error
        return unpacked(data, name, shown)

    def missing(self, what: str, remedy: str) -> UserError:
        """That a file which the source needs is not there; names what is, and what can be done with it."""
        there = sorted({PurePosixPath(name).name for name in self.names})
        listed = f"these files are: {there[:12]}{' and more' if len(there) > 12 else ''}" if there else "it is empty"
        unread = [name for name in there if name.startswith("interactions") or not name.lower().endswith(JSON)]
        foreign = [(name, format) for name in unread if (format := foreign_name(name))]
        packed = [name for name in there if name.lower().endswith((".zip", ".tar", *(f".tar{end}" for end in ENDINGS)))]
        tables = [name for name in there if name.startswith("interactions") and not foreign_name(name)]
        if any(bare_name(name).endswith(".parquet") for name in tables):
            remedy = f"it looks like tables: try `recops data import parquet --path {self.path}`"
        elif tables and not packed:
            remedy = f"it looks like tables: try `recops data import csv --path {self.path}`"
        elif foreign:
            remedy = f"{foreign[0][0]} is {foreign[0][1]}"
        elif packed:
            remedy = f"{packed[0]} is an archive: give it itself with `--path {self.path / packed[0]}`"
        return UserError(f"{self.path}: no {what} there, {listed}; {remedy}")


def _hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _not_there(path: Path) -> str:
    parent = next((folder for folder in path.parents if folder.is_dir()), None)
    try:
        beside = sorted(entry.name for entry in parent.iterdir() if not _hidden(entry.name)) if parent else []
    except OSError:
        beside = []
    near = get_close_matches(path.name, beside, 1, 0.6)
    if near:
        return f"{path}: no such file or folder; did you mean {parent / near[0] if parent else near[0]}?"
    listed = f"; in {parent} there are {beside[:12]}{' and more' if len(beside) > 12 else ''}" if beside else ""
    return f"{path}: no such file or folder{listed}; give the right one (--path, --interactions, --items, --users)"
