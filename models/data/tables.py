"""Logs and catalogues of arrays from the tables LOG and CATALOGUE: what parts are fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from features.arrays import Float32, Ids
from features.positives import DEFAULT_POSITIVES, Positives
from features.schema import CATALOGUE, RELATIONS
from models.data.storage import read_arrays
from models.data.types import UNKNOWN_TIME, Catalogue, Log
from models.data.vocabulary import Vocabulary, distinct_ids


def make_log(
    rows: pl.DataFrame,
    vocabulary: Vocabulary,
    *,
    at: int | None = None,
    positives: Positives = DEFAULT_POSITIVES,
    friends: Ids | None = None,
) -> Log:
    """The positive rows of LOG in time order, those of one instant as they stand.

    at: µs, default the last row's instant; friends: see `read_friends`.
    """
    last = int(rows.get_column("timestamp").dt.epoch("us").max() or 0) if rows.height else 0  # type: ignore[arg-type]
    rows = rows.filter(positives.where())
    items = vocabulary.positions(rows.get_column("item_id").to_list())
    rows = rows.with_columns(item=pl.Series(items, dtype=pl.Int32)).filter(pl.col("item") >= 0)
    rows = rows.sort("timestamp", maintain_order=True)
    user_ids, users = distinct_ids(rows.get_column("user_id"))
    return Log(
        user_ids=np.array(user_ids, dtype=np.object_),
        users=users.astype(np.int32),
        items=rows.get_column("item").to_numpy().astype(np.int32),
        times=rows.get_column("timestamp").dt.epoch("us").to_numpy().astype(np.int64),
        values=rows.get_column("value").fill_null(float("nan")).to_numpy().astype(np.float32),
        weights=rows.get_column("trust").to_numpy().astype(np.float32),
        at=last if at is None else at,
        friends=friends,
    )


def make_catalogue(frame: pl.DataFrame, vectors: Float32 | None = None) -> Catalogue:
    """The arrays of CATALOGUE; its rows are the vocabulary, in order."""
    frame = CATALOGUE.check(frame, source="memory")
    category_names = sorted(frame.get_column("category").drop_nulls().unique().to_list())
    position = {name: number for number, name in enumerate(category_names)}
    created = frame.get_column("created_at").dt.epoch("us").fill_null(UNKNOWN_TIME)
    return Catalogue(
        vocabulary=Vocabulary(frame.get_column("item_id").to_list()),
        titles=frame.get_column("title").to_list(),
        tags=[list(tags or []) for tags in frame.get_column("tags").to_list()],
        category_names=category_names,
        categories=np.array(
            [position.get(name, -1) for name in frame.get_column("category").to_list()], dtype=np.int32
        ),
        prices=frame.get_column("price").fill_null(float("nan")).to_numpy().astype(np.float32),
        created_at=created.to_numpy().astype(np.int64),
        vectors=vectors,
    )


def read_catalogue(folder: Path, vectors: Path | None = None) -> Catalogue:
    """The catalogue of a folder with catalogue.parquet; vectors: a folder with vectors.safetensors, or None."""
    item_vectors = read_vectors(vectors) if vectors is not None else None
    return make_catalogue(CATALOGUE.read(folder / "catalogue.parquet"), item_vectors)


def read_vectors(folder: Path) -> Float32 | None:
    """(n_items, size) unit rows of the item text; None when no item has a text."""
    vectors: Float32 = read_arrays(folder / "vectors.safetensors")["text"]
    return vectors if vectors.size else None


def read_friends(path: Path) -> Ids | None:
    """(n_pairs, 2) user and friend of a file of RELATIONS, each pair once, ascending; None: no file or no pair."""
    if not path.exists():
        return None
    pairs = RELATIONS.read(path).filter(pl.col("user_id") != pl.col("friend_id")).unique().sort("user_id", "friend_id")
    return pairs.to_numpy().astype(np.object_) if pairs.height else None
