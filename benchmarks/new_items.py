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
    print(f"{len(user_ids)} users, {int((~queries.unavailable).sum())} new items, {len(targets.values)} targets")  # type: ignore[operator]
    for name in [*(options.retriever or ["text", "cold_items"]), "random"]:
        lists = lists_of(name, past, catalogue, queries)
        values = accuracy(target_positions(lists, targets) >= 0, targets.lengths, [10, 20])
        table = np.stack([values[metric] for metric in SHOWN], axis=1)
        low, high = bounds(resampled_means(table, 1000, 1)[:, 0], 0.95)
        shown = " · ".join(f"{metric} {value:.4f}" for metric, value in zip(SHOWN, table.mean(axis=0), strict=True))
        print(f"{name:12}{shown}   ndcg@10 in [{low:.4f}, {high:.4f}]", flush=True)
        if out and name != "random" and not (out / "recs.parquet").is_file():
            _write(out, rows, known, user_ids, lists, np.asarray(item_ids))


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
