"""Base of learning: what a release's data say of users and sums, in a folder beside the release's bundle."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Float64
from models.additive.learns_additively import LearnsAdditively
from models.additive.pair_sums import PairRows
from models.data.saved_params import read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Log
from models.interfaces import Retriever
from models.learning.params import Params
from models.learning.user_rows import BaseRows

Arrays = dict[str, npt.NDArray[Any]]

FOLDER = "learning"  # of a release
PARAMS, ROWS, SUMS = "learn.json", "rows.safetensors", "sums"


@dataclass(frozen=True)
class Sums:
    """The sums of one retriever: of pairs (None: none), and others by name."""

    pairs: PairRows | None
    others: Mapping[str, Float64]


@dataclass(frozen=True)
class Base:
    """Rows and sums of a release's data; retriever → its sums, none for one that does not learn."""

    params: Params
    rows: BaseRows
    sums: Mapping[str, Sums]


def additive(retrievers: Mapping[str, Retriever]) -> dict[str, LearnsAdditively]:
    """Those that can learn additively."""
    return {name: part for name, part in retrievers.items() if isinstance(part, LearnsAdditively)}


def make_base(retrievers: Mapping[str, Retriever], catalogue: Catalogue, log: Log, params: Params) -> Base:
    """From the rows that learning begins with: those of the release's data, cleaned."""
    return _summed(retrievers, catalogue, BaseRows.of(log), params)


def write_base(base: Base, folder: Path) -> None:
    """Replaces what is in a folder; processes that have mapped it keep what they have."""
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / SUMS).mkdir(parents=True)
    write_params(base.params, scratch / PARAMS)
    rows = base.rows
    arrays: Arrays = {"keys": rows.keys, "offsets": rows.offsets, "items": rows.items, "times": rows.times}
    write_arrays({**arrays, "weights": rows.weights, "at": np.array([rows.at])}, scratch / ROWS)
    for name, sums in base.sums.items():
        parts: Arrays = {f"sum:{key}": values for key, values in sums.others.items()}
        if sums.pairs is not None:
            pairs = sums.pairs
            parts |= {"indptr": pairs.indptr, "indices": pairs.indices, "data": pairs.data}
            parts["n_columns"] = np.array([pairs.n_columns])
        write_arrays(parts, scratch / SUMS / f"{name}.safetensors")
    before = folder.with_name(f".{folder.name}.before.{os.getpid()}")
    if folder.exists():
        folder.rename(before)
    scratch.rename(folder)
    shutil.rmtree(before, ignore_errors=True)


def read_base(folder: Path) -> Base | None:
    """The base of a release's folder `learning`, mapped; None where the release was made without."""
    if not (folder / PARAMS).is_file():
        return None
    arrays = read_arrays(folder / ROWS)
    at = int(arrays.pop("at")[0])
    sums = {path.stem: _read(path) for path in sorted((folder / SUMS).glob("*.safetensors"))}
    return Base(read_params(folder / PARAMS, "learn", Params), BaseRows(**arrays, at=at), sums)


def base_without(base: Base, key: int, retrievers: Mapping[str, Retriever], catalogue: Catalogue) -> Base | None:
    """The base as if a user had never been there; None where it holds nothing of the user."""
    rows = base.rows.without(key)
    return None if rows is base.rows else _summed(retrievers, catalogue, rows, base.params)


def _summed(retrievers: Mapping[str, Retriever], catalogue: Catalogue, rows: BaseRows, params: Params) -> Base:
    log, sums = rows.log(), {}
    for name, part in additive(retrievers).items():
        pairs, others = part.statistics(log, catalogue)
        if pairs is not None or others:
            sums[name] = Sums(None if pairs is None else PairRows.of(pairs), others)
    return Base(params, rows, sums)


def _read(path: Path) -> Sums:
    arrays = read_arrays(path)
    others = {name.removeprefix("sum:"): values for name, values in arrays.items() if name.startswith("sum:")}
    if "indptr" not in arrays:
        return Sums(None, others)
    rows = {name: arrays[name] for name in ("indptr", "indices", "data")}
    return Sums(PairRows(**rows, n_columns=int(arrays["n_columns"][0])), others)
