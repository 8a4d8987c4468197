"""Peers that live in an interpreter of their own: asks benchmarks/peer_rectools.py there, by files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.peer_models import DEPTH, Int64, Past, Setting

PROGRAM = Path(__file__).with_name("peer_rectools.py")
MORE = 2  # times the wanted depth is asked for: RecTools also offers what was seen and not chosen, which is no target

RECTOOLS: Mapping[str, tuple[str, tuple[Setting, ...]]] = {
    "RecTools EASE": ("EASEModel", tuple({"regularization": value} for value in (100.0, 300.0, 500.0, 1500.0))),
    "RecTools PureSVD": ("PureSVDModel", tuple({"factors": value} for value in (8, 16, 32, 64))),
}


@dataclass(frozen=True)
class Told:
    """lists: (n_queries, DEPTH) item codes, -1 pads; fit [s]; memory [MiB]."""

    lists: Int64
    fit: float
    memory: float


def ask(python: Path, model: str, setting: Setting, past: Past) -> Told:
    """The model's lists for the asked users of a past.

    Raises:
        SystemExit: the interpreter could not run it.
    """
    known = np.flatnonzero(past.asked >= 0)
    rows = past.chosen.tocoo()
    with TemporaryDirectory() as folder:
        given, written = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, users=rows.row, items=rows.col, asked=past.asked[known], k=MORE * DEPTH)
        command = [str(python), str(PROGRAM), str(given), str(written), model, json.dumps(dict(setting))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{python} cannot run RecTools' {model}: {done.stderr.strip().splitlines()[-1:]}")
        with np.load(written) as arrays:
            found: Any = arrays["items"]
            told = float(arrays["seconds"]), float(arrays["memory"])
    return Told(unseen(past, known, found), *told)


def unseen(past: Past, known: Int64, found: Int64) -> Int64:
    """(n_queries, DEPTH): of each list the first that its user has not seen; users without a row get nothing."""
    lists = np.full((len(past.asked), DEPTH), -1, dtype=np.int64)
    for query, items in zip(known, found, strict=True):
        seen = past.seen.indices[past.seen.indptr[query] : past.seen.indptr[query + 1]]
        free = items[(items >= 0) & ~np.isin(items, seen)][:DEPTH]
        lists[query, : len(free)] = free
    return lists
