"""Pictures: vectors of image files by a CLIP-like model of sentence-transformers, as rows of ITEM_VECTORS."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.errors import UserError
from features.schema import ITEM_VECTORS
from models.language.encoder import encoder_folder, load_encoder
from models.language.encoding.embed_params import Params

logger = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")


@dataclass(frozen=True)
class Pictures:
    """rows: ITEM_VECTORS, by item id; unreadable: names of files that are no pictures."""

    rows: pl.DataFrame
    unreadable: list[str]


def picture_vectors(folder: Path, model: str, modality: str = "image") -> Pictures:
    """Of each file ITEM_ID.jpg (or .png …) of a folder. model: name or path.

    Each picture is encoded by itself, so that its vector does not depend on the others.

    Raises:
        UserError: no such folder, no picture in it that can be read, two files of one item, or a model of another kind.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise UserError(f"{folder}: no picture there; expected files ITEM_ID{SUFFIXES[0]} ({', '.join(SUFFIXES)})")
    stems = [path.stem for path in paths]
    if len(set(stems)) < len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise UserError(f"{folder}: two files are of item '{twice}'; leave one of them")
    encoder = _image_encoder(model)
    ids, vectors, unreadable = [], [], []
    for path in paths:
        picture = _picture(path)
        if picture is None:
            unreadable.append(path.name)
            continue
        vector = encoder.encode([picture], show_progress_bar=False, convert_to_tensor=True).float().numpy()[0]
        ids.append(path.stem)
        vectors.append(vector.astype(np.float32).tolist())
    if not ids:
        raise UserError(f"{folder}: none of {len(paths)} files could be read as a picture, e.g. {unreadable[0]}")
    logger.info("pictures n=%d n_unreadable=%d size=%d", len(ids), len(unreadable), len(vectors[0]))
    frame = pl.DataFrame(
        {"item_id": ids, "modality": [modality] * len(ids), "vector": vectors}, schema=dict(ITEM_VECTORS.columns)
    )
    return Pictures(ITEM_VECTORS.check(frame, source=str(folder)), unreadable)


def _image_encoder(model: str) -> Any:
    """
    Raises:
        UserError: Pillow is not installed, there is no such model, or it takes no pictures.
    """
    try:
        import_module("PIL.Image")
    except ImportError:
        raise UserError(
            "data vectors: pictures are read by the package Pillow, which is not installed; `pip install pillow`"
        ) from None
    encoder = load_encoder(Params(precision="float32"), encoder_folder(model))
    if "image" not in getattr(encoder, "modalities", ()):
        raise UserError(f"--model {model}: it takes no pictures; expected a CLIP-like model, such as clip-ViT-B-32")
    return encoder


def _picture(path: Path) -> Any:
    """The picture in RGB; None where the file is none."""
    image = import_module("PIL.Image")
    try:
        with image.open(path) as opened:
            return opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, image.DecompressionBombError):
        return None
