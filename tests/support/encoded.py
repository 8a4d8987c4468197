"""Texts encoded as stage `embed` does, with files in a folder that goes away."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from models.language.encoders import ENCODERS
from models.language.encoding.embed_params import Params
from models.language.encoding.encoder_input import EncoderInput


def given_in(folder: Path, texts: Sequence[str | None], params: Params) -> EncoderInput:
    """What encoders are given, with all files below a folder."""
    known, sealed, answers = folder / "known.safetensors", folder / "sealed", folder / "answers"
    return EncoderInput(texts=texts, params=params, encoder="", known=known, sealed=sealed, answers=answers)


def vectors_by(name: str, given: EncoderInput) -> dict[str, np.ndarray[Any, Any]]:
    """What an encoder of the table makes."""
    module, _, function = ENCODERS[name].partition(":")
    made: dict[str, np.ndarray[Any, Any]] = getattr(import_module(module), function)(given)
    return made


def encode(texts: Sequence[str | None], params: Params) -> np.ndarray[Any, Any]:
    """(n_texts, size) of the sentence encoder."""
    with tempfile.TemporaryDirectory() as folder:
        return vectors_by("sentence", given_in(Path(folder), texts, params))["sentence"]
