"""Learning between releases: what it costs, and how far it is from a fit on all rows.

    python -m benchmarks.learning [--project DIR] [--rows N] [--batch N]

DIR is a project whose stage `clean` has ended. The additive retrievers of params.yaml are fitted on
data/log/full.parquet without its newest N rows, which then come as events in batches. Printed are size and time of
what learning begins with, processor time of a learned form, and the greatest relative difference from a fit on all
rows (to the largest weight).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from features.arrays import Int64
from features.params import positives, read_params, section
from features.schema import LOG
from models.additive.learns_additively import LearnsAdditively
from models.data.tables import make_log, read_catalogue
from models.data.types import Catalogue, Log
from models.interfaces import Retriever
from models.learning.base import make_base, write_base
from models.learning.learner import Learner
from models.learning.params import Params
from models.registry import load_part, make

CATALOGUE, FULL = Path("data/catalogue"), Path("data/log/full.parquet")


def main() -> None:
    """Prints cost and difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=100)
    options = parser.parse_args()
    os.chdir(options.project)
    catalogue = read_catalogue(CATALOGUE)
    log = make_log(LOG.read(FULL), catalogue.vocabulary, positives=positives())
    print(f"{len(log.items)} rows, {log.n_users} users, {catalogue.n_items} items", flush=True)
    costs(log, catalogue, options.rows, options.batch)


def costs(log: Log, catalogue: Catalogue, n_new: int, batch: int) -> None:
    """Prints what learning the newest rows of a log costs, and how far it is from a fit."""
    n_known = len(log.items) - n_new
    new = slice(n_known, None)
    order = n_known + np.lexsort((log.items[new], log.times[new]))  # of one instant: by item, as events are learned
    log = _rows(log, np.concatenate([np.arange(n_known), order]))
    known = _rows(log, np.arange(n_known))
    for most in (Params().max_pairs, 1 << 60):
        parts = fitted(known, catalogue)
        started = time.process_time()
        base = make_base(parts, catalogue, known, Params(max_pairs=most))
        began = time.process_time() - started
        with tempfile.TemporaryDirectory() as folder:
            write_base(base, Path(folder) / "learning")
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        learner = Learner(parts, catalogue, base, positives(), 0)
        learner.learned()  # compiles
        ids, items, times = log.user_ids[log.users[new]], log.items[new], log.times[new]
        took = []
        for start in range(0, n_new, batch):
            some = slice(start, start + batch)
            learner.add_rows(ids[some].tolist(), items[some], times[some])
            started = time.process_time()
            state = learner.learned()
            took.append(1000 * (time.process_time() - started))
            if len(took) >= 10:
                break
        rest = slice(len(took) * batch, None)
        learner.add_rows(ids[rest].tolist(), items[rest], times[rest])
        state = learner.learned()
        whole = fitted(log, catalogue)
        far = {name: _difference(state.parts[name], whole[name]) for name in state.parts}
        print(
            f"max_pairs {most}: begins with {size / 1e6:.0f} MB in {began:.1f} s; a form after {batch} rows "
            f"{np.median(took):.0f} ms; left out {dict(state.left_out)}; from a fit on all rows "
            + " ".join(f"{name} {value:.1e}" for name, value in far.items()),
            flush=True,
        )


def fitted(log: Log, catalogue: Catalogue) -> dict[str, Retriever]:
    """The additive retrievers of params.yaml, fitted on a log."""
    parts = {}
    for name in sorted(read_params()["retrievers"]):
        kind = load_part("retriever", name)
        part = make("retriever", name, section(f"retrievers.{name}", kind.Params))
        if isinstance(part, LearnsAdditively):
            parts[name] = part.fit(log, catalogue)
    return parts


def _rows(log: Log, some: Int64) -> Log:
    """Some rows as a log of their own, as of the last of them."""
    names, users = np.unique(log.users[some], return_inverse=True)
    return replace(
        log,
        user_ids=log.user_ids[names],
        users=users.astype(np.int32),
        items=log.items[some],
        times=log.times[some],
        values=log.values[some],
        weights=log.weights[some],
        at=int(log.times[some].max()),
    )


def _difference(one: Any, other: Any) -> float:
    """Greatest difference of the weights of entries that both keep, relative to the greatest weight."""
    if hasattr(one, "scores_"):
        return float(np.abs(one.scores_ - other.scores_).max() / other.scores_.max())
    both = one.weights_.multiply(other.weights_ > 0) - other.weights_.multiply(one.weights_ > 0)
    return float(np.abs(both.data).max(initial=0.0) / other.weights_.data.max())


if __name__ == "__main__":
    main()
