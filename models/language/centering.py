"""Calibration: what a catalogue's text vectors were centered by, recovered from a few of them.

A catalogue keeps unit vectors c = (r - m) / |r - m| of the encoder's raw vectors r, with the mean m of its own texts.
A later text needs the same m. Of a few texts r and c are known; m minimizes Σ |(I - c cᵀ)(r - m)|², which is zero for
the true one (the normal equations are Σ (I - c cᵀ) m = Σ (I - c cᵀ) r).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Bool, Float32, Float64

SAMPLE = 48
LEAST_COSINE = 0.99  # between the catalogue's vectors and those that this encoder gives; both precisions reach 0.999


def center_of(raw: Float32, centered: Float32) -> Float64:
    """(size,) the mean m. raw: (n, size) of some texts; centered: (n, size) the catalogue's unit vectors of them.

    Raises:
        ValueError: the raw vectors are not those of the encoder that made the catalogue's.
    """
    if raw.shape != centered.shape:
        raise ValueError(f"the encoder's vectors have {raw.shape[1]} numbers, the release's {centered.shape[1]}")
    wide, unit = raw.astype(np.float64), centered.astype(np.float64)
    projected = wide - unit * (unit * wide).sum(axis=1, keepdims=True)
    gram = len(unit) * np.eye(unit.shape[1]) - unit.T @ unit
    center: Float64 = np.linalg.lstsq(gram, projected.sum(axis=0), rcond=None)[0]
    cosines = (units(wide - center) * unit).sum(axis=1)
    if cosines.min(initial=1.0) < LEAST_COSINE:
        raise ValueError(
            f"the encoder is not the one that made the release's text vectors (cosine {cosines.min():.2f}, expected "
            f"{LEAST_COSINE} or more)"
        )
    return center


def units(vectors: Float64) -> Float64:
    """Rows of unit length; zero rows stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows: Float64 = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return rows


def centered(vectors: Float32, there: Bool) -> Float32:
    """Subtracts the mean of the rows that are there and normalizes them to unit length; the others become zero.

    Sentence encoders map all texts of one domain into a narrow cone; centering separates the items.
    """
    middle = vectors[there].mean(axis=0, dtype=np.float64).astype(np.float32) if there.sum() > 1 else 0.0
    moved = np.where(there[:, None], vectors - middle, 0.0).astype(np.float32)
    return unit_rows(moved)


def unit_rows(vectors: Float32) -> Float32:
    """Rows of unit length in single precision; zero rows stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))[:, None]
    rows: Float32 = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)
    return rows


def centered_rows(texts: Sequence[str | None], distinct: Sequence[str], raw: Float32) -> Float32:
    """(n_texts, size) unit rows, centered, of the raw vectors of the distinct texts; zero rows for others."""
    row_of_text = {text: row for row, text in enumerate(distinct)}
    vectors = np.zeros((len(texts), raw.shape[1]), dtype=np.float32)
    there = [place for place, text in enumerate(texts) if text in row_of_text]
    vectors[there] = raw[[row_of_text[texts[place] or ""] for place in there]]
    present = np.zeros(len(texts), dtype=np.bool_)
    present[there] = True
    return centered(vectors, present)
