"""The folder data/raw: the imported tables, the quarantine and source.json; replaced whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import ContractError, UserError
from features.files import flush_folder, write_text
from features.reading.raw_tables import RawTables
from features.schema import QUARANTINE, RAW_TABLES
from features.table import write_parquet

SIDECAR = "source.json"


class Sidecar(BaseModel):
    """What source.json says about the tables beside it; no clock, no path, no host."""

    model_config = ConfigDict(extra="forbid")

    source: str
    """Name of the source that the line of data began with."""
    artificial_time: bool = False
    """Timestamps only carry an order."""
    n_rows: int = 0
    """Interactions in the folder."""
    counts: dict[str, int] = {}
    """Rows read, quarantined, repeated and kept, by table."""
    events_through: int = 0
    """Sequence number of the last event of the event log that is among the rows."""
    items_through: int = 0
    """Number of the last change of the item log that the items hold; 0: none."""
    appended: list[str] = []
    """Sources that rows were added from later, in order."""
    notes: list[str] = []
    """Sentences of the last import."""
    id_key: str = ""
    """Fingerprint of the key by which the ids of users were hashed; empty: they are plain."""


def read_raw(folder: Path) -> RawTables:
    """All tables of the folder, checked.

    Raises:
        ContractError: the folder, source.json or a table is missing or does not fit.
    """
    sidecar = read_sidecar(folder)
    tables = {name: table.read(folder / f"{name}.parquet") for name, table in RAW_TABLES.items()}
    extras = {
        name: pl.read_parquet(path)
        for path in sorted(folder.rglob("*.parquet"))
        if (name := path.relative_to(folder).with_suffix("").as_posix()) not in {*tables, QUARANTINE.name}
    }
    return RawTables(
        interactions=tables["interactions"],
        items=tables["items"],
        users=tables["users"],
        relations=tables["relations"],
        item_vectors=tables["item_vectors"],
        quarantine=QUARANTINE.read(folder / "quarantine.parquet"),
        artificial_time=sidecar.artificial_time,
        counts=sidecar.counts,
        notes=tuple(sidecar.notes),
        extras=extras,
    )


def read_sidecar(folder: Path) -> Sidecar:
    """source.json of the folder."""
    path = folder / SIDECAR
    try:
        return Sidecar.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(
            f"{folder}: no {SIDECAR}; expected imported tables; run `recops data import SOURCE`"
        ) from None
    except (ValidationError, ValueError) as error:
        raise ContractError(
            f"{path}: does not fit ({' '.join(str(error).split())[:200]}); import the data again"
        ) from None


def write_raw(tables: RawTables, sidecar: Sidecar, folder: Path) -> None:
    """The folder with these tables in place of what was there, in one step: a crash leaves the old or the new one."""

    def fill(scratch: Path) -> None:
        for name, table in RAW_TABLES.items():
            table.write(getattr(tables, name), scratch / f"{name}.parquet")
        QUARANTINE.write(tables.quarantine, scratch / "quarantine.parquet")
        for name, extra in tables.extras.items():
            write_parquet(extra, scratch / f"{name}.parquet")
        _write_sidecar(sidecar, scratch)

    replace_folder(folder, fill)


def write_interactions(interactions: pl.DataFrame, quarantine: pl.DataFrame, sidecar: Sidecar, folder: Path) -> None:
    """The folder with other interactions, quarantine and source.json, everything else as it is, in one step."""

    def fill(scratch: Path) -> None:
        others = shutil.ignore_patterns("interactions.parquet", "quarantine.parquet", SIDECAR)
        shutil.copytree(folder, scratch, ignore=others, copy_function=shutil.copyfile, dirs_exist_ok=True)
        RAW_TABLES["interactions"].write(interactions, scratch / "interactions.parquet")
        QUARANTINE.write(quarantine, scratch / "quarantine.parquet")
        _write_sidecar(sidecar, scratch)

    replace_folder(folder, fill)


def write_items(items: pl.DataFrame, sidecar: Sidecar, folder: Path) -> None:
    """The folder with other items and source.json, everything else as it is, in one step."""

    def fill(scratch: Path) -> None:
        others = shutil.ignore_patterns("items.parquet", SIDECAR)
        shutil.copytree(folder, scratch, ignore=others, copy_function=shutil.copyfile, dirs_exist_ok=True)
        RAW_TABLES["items"].write(items, scratch / "items.parquet")
        _write_sidecar(sidecar, scratch)

    replace_folder(folder, fill)


def write_item_vectors(item_vectors: pl.DataFrame, folder: Path) -> None:
    """The folder with other item vectors, everything else as it is, in one step."""

    def fill(scratch: Path) -> None:
        others = shutil.ignore_patterns("item_vectors.parquet")
        shutil.copytree(folder, scratch, ignore=others, copy_function=shutil.copyfile, dirs_exist_ok=True)
        RAW_TABLES["item_vectors"].write(item_vectors, scratch / "item_vectors.parquet")

    replace_folder(folder, fill)


def replace_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fills a scratch folder beside `folder` and puts it in its place; an error in `fill` changes nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        fill(scratch)
        flush_folder(scratch)
        if not folder.exists():
            scratch.rename(folder)
        elif not _exchange(scratch, folder):
            old = folder.with_name(f".{folder.name}.old")
            folder.rename(old)
            scratch.rename(folder)
            shutil.rmtree(old)
        flush_folder(folder.parent)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); check space and permissions") from error
    finally:
        remove(scratch)


def remove(folder: Path) -> None:
    """Deletes a folder with all that is in it, or the link that stands for one, if it is there."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def recover(folder: Path) -> None:
    """After a crash: an old folder that was moved aside comes back, scratch folders of dead processes go."""
    old = folder.with_name(f".{folder.name}.old")
    if old.is_dir() and not folder.exists():
        old.rename(folder)
    elif old.is_dir():
        shutil.rmtree(old)
    for scratch in folder.parent.glob(f".{folder.name}.*.tmp"):
        owner = re.fullmatch(rf"\.{re.escape(folder.name)}\.(\d+)(\.before)?\.tmp", scratch.name)
        if owner and not _alive(int(owner[1])):
            remove(scratch)


def _write_sidecar(sidecar: Sidecar, folder: Path) -> None:
    unused = {name for name in ("id_key", "items_through") if not getattr(sidecar, name)}
    write_text(json.dumps(sidecar.model_dump(exclude=unused), indent=1, sort_keys=True) + "\n", folder / SIDECAR)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step of the file system (Linux renameat2); False where it cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
