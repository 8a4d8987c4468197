"""New items: how well a retriever ranks items that nobody chose yet, known by their texts alone, among each other.

    python -m benchmarks.new_items [--project DIR] [--retriever NAME]... [--out FOLDER]

DIR is a project in which the stage `embed` has ended (`dvc repro embed`). Every item whose sha256 is 0 modulo 5 is new:
its choices leave the history and are the targets, and only such items are candidates. The retrievers (default: text
and cold_items) are fitted on all other choices with their section of params.yaml. NDCG@10 (with its 95 % interval over
users), HR@10 and Recall@20 of models/metrics, beside random order; --out: the lists and both sides of the split are
written for an independent evaluator (recs.parquet of the first retriever, train.parquet, test.parquet).
"""

from __future__ import annotations

import argparse
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Int32
from features.errors import UserError
from features.params import positives, section
from features.schema import INTERACTIONS
from features.table import write_parquet
from models.data.ragged import Ragged, offsets_of_lengths
from models.data.tables import make_log, read_catalogue
from models.data.types import Catalogue, History, Log, Queries
from models.evaluation.intervals import bounds, resampled_means
from models.evaluation.metrics import accuracy, target_positions
from models.registry import load_part, make

SHOWN = ("ndcg@10", "hr@10", "recall@20")
CATALOGUE, VECTORS, TABLE = Path("data/catalogue"), Path("data/vectors"), Path("data/tables/interactions.parquet")


def is_new(item_ids: list[str]) -> npt.NDArray[np.bool_]:
    """(n_items,) one item in five, by its id alone."""
    return np.array([int(hashlib.sha256(item.encode()).hexdigest(), 16) % 5 == 0 for item in item_ids], dtype=np.bool_)


def asked(past: Log, new: npt.NDArray[np.bool_], user_ids: npt.NDArray[np.str_]) -> Queries:
    """Each of `user_ids` (ascending, all of them with a row in past) with all of their rows, at the log's end."""
    rows = np.argsort(past.users, kind="stable")
    rows = rows[np.isin(past.user_ids[past.users[rows]], user_ids)]
    counts = np.unique(past.users[rows], return_counts=True)[1]
    return Queries(
        user_ids=user_ids,
        at=np.full(len(user_ids), past.at, dtype=np.int64),
        history=History(
            items=Ragged(offsets_of_lengths(counts), past.items[rows]),
            times=past.times[rows],
            weights=np.ones(len(rows), dtype=np.float32),
        ),
        excluded=Ragged.empty_rows(len(user_ids), np.int32),
        unavailable=~new,
    )


def lists_of(name: str, past: Log, catalogue: Catalogue, queries: Queries, k: int = 20) -> Int32:
    """(n_queries, k) of a retriever of params.yaml, fitted on `past`; `random`: of no retriever."""
    if name == "random":
        free = np.flatnonzero(~queries.unavailable) if queries.unavailable is not None else np.arange(catalogue.n_items)
        return np.random.default_rng(0).permuted(np.tile(free, (len(queries), 1)), axis=1)[:, :k].astype(np.int32)
    params = section(f"retrievers.{name}", load_part("retriever", name).Params)
    fitted = make("retriever", name, params).fit(past, catalogue)
    return fitted.retrieve(queries, k).items


@dataclass(frozen=True)
class NewItemsTask:
    """The choices of known items, the users to ask, and what they chose of the new ones.

    rows: all choices; known: ids of known items; new: (n_items,) which are new.
    """

    catalogue: Catalogue
    rows: pl.DataFrame
    known: pl.Series
    new: npt.NDArray[np.bool_]
    past: Log
    queries: Queries
    targets: Ragged

    def described(self) -> str:
        """Its sizes, for people."""
        n_new = int((~self.queries.unavailable).sum())  # type: ignore[operator]
        return f"{len(self.queries)} users, {n_new} new items, {len(self.targets.values)} targets"

    def values(self, lists: Int32) -> npt.NDArray[np.float64]:
        """(n_users, len(SHOWN)) of lists of items."""
        values = accuracy(target_positions(lists, self.targets) >= 0, self.targets.lengths, [10, 20])
        return np.stack([values[metric] for metric in SHOWN], axis=1)

    def judge(self, name: str, catalogue: Catalogue) -> tuple[float, float, float]:
        """NDCG@10 of a retriever of params.yaml fitted with the vectors of a catalogue, and its 95 % interval."""
        table = self.values(lists_of(name, self.past, catalogue, self.queries))
        return float(table[:, 0].mean()), *interval_of(table)


def interval_of(table: npt.NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval over users of the first column."""
    low, high = bounds(resampled_means(table, 1000, 1)[:, 0], 0.95)
    return float(low), float(high)


def read_task(catalogue: Catalogue) -> NewItemsTask:
    """That of the current project."""
    rule = positives()
    rows = INTERACTIONS.read(TABLE).filter(rule.where()).with_columns(trust=pl.lit(1.0))
    rows = rows.unique(["user_id", "item_id"], keep="first", maintain_order=True)
    log = make_log(rows, catalogue.vocabulary, positives=rule)
    item_ids = catalogue.vocabulary.item_ids
    new = is_new(list(item_ids))
    late = new[log.items]
    names = log.user_ids[log.users]
    user_ids = np.intersect1d(names[~late], names[late])
    known = pl.Series([item for item, out in zip(item_ids, new, strict=True) if not out])
    past = make_log(rows.filter(pl.col("item_id").is_in(known.implode())), catalogue.vocabulary, positives=rule)
    queries = asked(past, new & (np.bincount(log.items, minlength=len(new)) > 0), user_ids)
    wanted = late & np.isin(names, user_ids)
    owner, item = np.searchsorted(user_ids, names[wanted]), log.items[wanted]
    order = np.lexsort((item, owner))
    targets = Ragged.grouped(owner[order], len(user_ids), item[order])
    return NewItemsTask(catalogue, rows, known, new, past, queries, targets)


def main() -> None:
    """Prints a row a retriever."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--retriever", action="append")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    out = options.out.resolve() if options.out else None
    os.chdir(options.project)
    try:
        catalogue = read_catalogue(CATALOGUE, VECTORS)
    except UserError as error:
        raise SystemExit(f"{error}\nlet `dvc repro embed` end there first") from None
    task = read_task(catalogue)
    print(task.described())
    for name in [*(options.retriever or ["text", "cold_items"]), "random"]:
        lists = lists_of(name, task.past, catalogue, task.queries)
        table = task.values(lists)
        low, high = interval_of(table)
        shown = " · ".join(f"{metric} {value:.4f}" for metric, value in zip(SHOWN, table.mean(axis=0), strict=True))
        print(f"{name:12}{shown}   ndcg@10 in [{low:.4f}, {high:.4f}]", flush=True)
        if out and name != "random" and not (out / "recs.parquet").is_file():
            item_ids = np.asarray(catalogue.vocabulary.item_ids)
            _write(out, task.rows, task.known, task.queries.user_ids, lists, item_ids)


def _write(
    out: Path,
    rows: pl.DataFrame,
    known: pl.Series,
    user_ids: npt.NDArray[np.str_],
    lists: Int32,
    item_ids: npt.NDArray[np.str_],
) -> None:
    query, place = np.nonzero(lists >= 0)
    frame = {"user_id": user_ids[query].tolist(), "item_id": item_ids[lists[query, place]].tolist(), "rank": place + 1}
    write_parquet(pl.DataFrame(frame), out / "recs.parquet")
    old = pl.col("item_id").is_in(known.implode())
    write_parquet(rows.filter(old).select("user_id", "item_id"), out / "train.parquet")
    write_parquet(rows.filter(~old).select("user_id", "item_id"), out / "test.parquet")


if __name__ == "__main__":
    main()
