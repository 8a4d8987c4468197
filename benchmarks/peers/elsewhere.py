"""Peers that live in an interpreter of their own: asks benchmarks/peers/rectools.py there, by files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.peers.models import DEPTH, Setting
from benchmarks.peers.past import Asked, Int64, Past

PROGRAM = Path(__file__).with_name("rectools.py")
MORE = 2  # times the wanted depth is asked for: RecTools also offers what was seen and not chosen, which is no target


@dataclass(frozen=True)
class Elsewhere:
    """A class of rectools.models and the settings that valid chooses among; of_users: see `Peer`."""

    model: str
    grid: tuple[Setting, ...]
    of_users: bool = True


def rectools(epochs: int) -> Mapping[str, Elsewhere]:
    """RecTools' peers; epochs: of SASRec, which has one setting, 0 leaves it out."""
    network = {"n_factors": 64, "n_blocks": 2, "n_heads": 2, "dropout_rate": 0.2, "session_max_len": 200}
    training = {"loss": "softmax", "batch_size": 32, "lr": 0.001, "epochs": epochs}
    sequences = {"RecTools SASRec": Elsewhere("SASRecModel", ({**network, **training},), of_users=False)}
    return (sequences if epochs else {}) | {
        "RecTools EASE": Elsewhere("EASEModel", tuple({"regularization": v} for v in (100.0, 300.0, 500.0, 1500.0))),
        "RecTools PureSVD": Elsewhere("PureSVDModel", tuple({"factors": value} for value in (8, 16, 32, 64))),
    }


@dataclass(frozen=True)
class Told:
    """lists: (n_queries, DEPTH) item codes, -1 pads; fit [s]; memory [MiB]."""

    lists: Int64
    fit: float
    memory: float


def ask(python: Path, peer: Elsewhere, setting: Setting, past: Past, asked: Asked) -> Told:
    """The peer's lists for some queries.

    Raises:
        SystemExit: the interpreter could not run it.
    """
    known = np.flatnonzero(np.diff(asked.histories.offsets))
    learned = past.histories.once()
    arrays: dict[str, Any] = {"users": learned.owners, "items": learned.items, "k": MORE * DEPTH}
    if peer.of_users and asked.rows is not None:
        arrays["asked"] = asked.rows[known]
    else:
        live = asked.histories.take(known).once()
        arrays |= {"asked": np.arange(len(known)), "live_users": live.owners, "live_items": live.items}
    with TemporaryDirectory() as folder:
        given, written = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, **arrays)
        command = [str(python), str(PROGRAM), str(given), str(written), peer.model, json.dumps(dict(setting))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            raise SystemExit(f"{python} cannot run RecTools' {peer.model}: {done.stderr.strip().splitlines()[-1:]}")
        with np.load(written) as answer:
            found: Any = answer["items"]
            told = float(answer["seconds"]), float(answer["memory"])
    return Told(unseen(asked, known, found), *told)


def unseen(asked: Asked, known: Int64, found: Int64) -> Int64:
    """(n_queries, DEPTH): of the lists of some queries the first that was not seen; the other queries get nothing."""
    lists = np.full((len(asked), DEPTH), -1, dtype=np.int64)
    for query, items in zip(known, found, strict=True):
        seen = asked.seen.indices[asked.seen.indptr[query] : asked.seen.indptr[query + 1]]
        free = items[(items >= 0) & ~np.isin(items, seen)][:DEPTH]
        lists[query, : len(free)] = free
    return lists
