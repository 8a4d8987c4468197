"""Stage embed in a project: one changed item encodes one text, and the outputs are those of a project made anew."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl

from features.schema import CATALOGUE
from features.table import write_parquet
from tests.support.one_stage import hashes
from tests.support.workspace import make_workspace, run

OUTS = ["data/vectors", "data/encoded"]


def embed(folder: Path) -> str:
    done = run("-m", "dvc", "repro", "--single-item", "embed", cwd=folder)
    return done.stdout + done.stderr


def n_encoded(said: str) -> int:
    return int(re.search(r"n_encoded=(\d+)", said)[1])


def catalogue(n: int) -> pl.DataFrame:
    things = ["lamp", "clock", "pot", "chair", "book"]
    texts = [f"{'very ' * (row % 4)}old {things[row % 5]} number {row}" for row in range(n)]
    frame = pl.DataFrame({"item_id": [f"i{row}" for row in range(n)], "text": texts})
    missing = {name: pl.lit(None, dtype=kind) for name, kind in CATALOGUE.columns.items() if name not in frame.columns}
    return frame.with_columns(**missing).select(list(CATALOGUE.columns))


def with_catalogue(folder: Path, frame: pl.DataFrame) -> None:
    shutil.rmtree(folder / "data/catalogue", ignore_errors=True)
    write_parquet(frame, folder / "data/catalogue/catalogue.parquet")


def test_one_changed_item_encodes_one_text_and_repro_has_nothing_to_do_after_it(tmp_path):
    folder, items = make_workspace(tmp_path / "project"), catalogue(30)
    run("-m", "dvc", "repro", "ingest", cwd=folder)
    with_catalogue(folder, items)
    assert n_encoded(embed(folder)) == 30
    first = hashes(folder, OUTS)

    renamed = pl.when(pl.col("item_id") == "i7").then(pl.lit("a new kettle")).otherwise("text")
    with_catalogue(folder, items.with_columns(text=renamed))
    assert n_encoded(embed(folder)) == 1
    second = hashes(folder, OUTS)
    assert second != first
    assert "didn't change" in embed(folder)
