"""Logs and catalogues of arrays from the tables LOG and CATALOGUE: what parts are fitted on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from features.arrays import Float32, Ids
from features.positives import DEFAULT_POSITIVES, Positives
from features.schema import CATALOGUE, RELATIONS
from models.data.availability import ALWAYS, NEVER, Availability
from models.data.storage import read_arrays
from models.data.types import UNKNOWN_TIME, Catalogue, Log
from models.data.vocabulary import Vocabulary, distinct_ids

FURTHER = "further.safetensors"  # beside vectors.safetensors
WORD_PARTS = "word_parts"
WORDS = "words"  # folder of the sealed encoder of words, beside both
TIMES = "availability.parquet"  # beside a catalogue, where an item is not offered all the time since its creation


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
    catalogue = make_catalogue(CATALOGUE.read(folder / "catalogue.parquet"))
    if vectors is not None:
        further = read_further(vectors)
        parts = further.pop(WORD_PARTS, None)
        catalogue = replace(catalogue, vectors=read_vectors(vectors), further=further, word_parts=parts)
    path = folder / TIMES
    return replace(catalogue, offered=_offered(catalogue, pl.read_parquet(path))) if path.is_file() else catalogue


def _offered(catalogue: Catalogue, times: pl.DataFrame) -> Availability:
    """When each item may be offered; times: rows of AVAILABILITY (features/catalogue_changes/joining.py)."""
    positions = catalogue.vocabulary.positions(times.get_column("item_id").to_list())
    starts, ends = catalogue.created_at.copy(), np.full(catalogue.n_items, NEVER)
    said = times.select(pl.col("available_from", "available_until").dt.epoch("us"), "available")
    for position, (start, end, available) in zip(positions.tolist(), said.iter_rows(), strict=True):
        if position >= 0:
            starts[position] = starts[position] if start is None else start
            ends[position] = (ALWAYS if available is False else NEVER) if end is None else end
    return Availability(starts, ends)


def read_vectors(folder: Path) -> Float32 | None:
    """(n_items, size) unit rows of the item text; None when no item has a text."""
    vectors: Float32 = read_arrays(folder / "vectors.safetensors")["text"]
    return vectors if vectors.size else None


def read_further(folder: Path) -> dict[str, Float32]:
    """Vectors of other encoders by name, and those of parts of texts; none in folders of older code."""
    path = folder / FURTHER
    return {name: rows for name, rows in read_arrays(path).items() if rows.size} if path.is_file() else {}


def read_friends(path: Path) -> Ids | None:
    """(n_pairs, 2) user and friend of a file of RELATIONS, each pair once, ascending; None: no file or no pair."""
    if not path.exists():
        return None
    pairs = RELATIONS.read(path).filter(pl.col("user_id") != pl.col("friend_id")).unique().sort("user_id", "friend_id")
    return pairs.to_numpy().astype(np.object_) if pairs.height else None
