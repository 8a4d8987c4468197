"""Imported vectors: those of ITEM_VECTORS, of any modality, as unit rows in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.arrays import Float32
from features.errors import UserError
from models.language.centering import centered


def imported(frame: pl.DataFrame, item_ids: Sequence[str]) -> dict[str, Float32]:
    """`imported.MODALITY` → (n_items, size) unit rows, centered; zero rows for items without a vector.

    Raises:
        UserError: the vectors of a modality differ in length.
    """
    place = {item_id: position for position, item_id in enumerate(item_ids)}
    kernels: dict[str, Float32] = {}
    for (modality,), rows in sorted(frame.group_by(["modality"]), key=lambda pair: str(pair[0])):
        rows = rows.filter(pl.col("item_id").is_in(list(place))).sort("item_id")
        sizes = sorted(rows.get_column("vector").list.len().unique().to_list())
        if len(sizes) > 1:
            raise UserError(f"item_vectors: modality '{modality}' has vectors of {sizes} numbers; expected one length")
        if not sizes or not sizes[0]:
            continue
        there = np.array([place[item_id] for item_id in rows.get_column("item_id")])
        vectors = np.zeros((len(item_ids), sizes[0]), dtype=np.float32)
        vectors[there] = np.array(rows.get_column("vector").to_list(), dtype=np.float32)
        kernels[f"imported.{modality}"] = centered(vectors, np.asarray(vectors.any(axis=1)))
    return kernels
