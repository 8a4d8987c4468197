"""Encoder input: what the encoders of items are given, and the sentence vectors that two of them share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from features.arrays import Float32
from models.language.centering import centered_rows
from models.language.encoder import encoder_name, fast_tokenizer, load_encoder, maker_of, model_folder, readable
from models.language.encoding.embed_params import Params
from models.language.encoding.fixed_batches import raw_vectors
from models.language.encoding.vector_store import vectors_by_hash

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EncoderInput:
    """A Given, see there.

    encoder: name or path of the sentence encoder where params name none (a setting of the machine); known: file of its
    vectors by text hash.
    """

    texts: Sequence[str | None]
    params: Params
    encoder: str
    known: Path
    sealed: Path
    answers: Path

    @cached_property
    def sentence(self) -> Float32:
        described = sorted({text for text in self.texts if text})
        folder, params = model_folder(self.params, self.encoder), self.params
        distinct = readable(folder, described) if described else []
        if len(distinct) < len(described):
            logger.warning(
                "embed n_unreadable=%d of %d texts: the encoder '%s' knows no token of them; name one for their "
                "language (embed.encoder in params.yaml)",
                len(described) - len(distinct),
                len(described),
                encoder_name(params, self.encoder),
            )
        if not distinct:
            logger.warning("embed n_texts=0: the items carry no text to encode; text parts step aside")
            return np.zeros((len(self.texts), 0), dtype=np.float32)
        raw, _ = vectors_by_hash(
            distinct,
            maker_of(params, folder),
            self.known,
            lambda texts: raw_vectors(load_encoder(params, folder), texts, params),
        )
        return centered_rows(self.texts, distinct, raw)

    def tokenizer(self) -> Any:
        return fast_tokenizer(model_folder(self.params, self.encoder))
