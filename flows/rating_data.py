"""The catalogue for raters: every item of the tables, with text vectors where the DAG has made them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from features.catalogue import build_catalogue
from features.schema import ITEMS
from models.interfaces import Catalogue
from models.logs import make_catalogue, read_catalogue

ITEM_TABLE = Path("data/tables/items.parquet")
CATALOGUE = Path("data/catalogue")
VECTORS = Path("data/vectors")


def rating_catalogue(root: Path, rows: pl.DataFrame) -> Catalogue:
    """Items of the tables and of all rows: unlike the bundle's, it also knows items that only test has.

    rows: INTERACTIONS. An item without a vector gets zeros; with no vectors at all they are None.
    """
    catalogue = make_catalogue(build_catalogue(ITEMS.read(root / ITEM_TABLE), rows)[0])
    made = (root / CATALOGUE / "catalogue.parquet", root / VECTORS / "vectors.safetensors")
    if not all(path.is_file() for path in made):
        return catalogue
    known = read_catalogue(root / CATALOGUE, root / VECTORS)
    if known.vectors is None or len(known.vectors) != known.n_items:
        return catalogue
    places = known.vocabulary.positions(catalogue.vocabulary.item_ids)
    vectors = np.where(places[:, None] >= 0, known.vectors[places], np.float32(0.0))
    return replace(catalogue, vectors=vectors)
