"""Encoder input: what the encoders of items are given, and the sentence vectors that two of them share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from features.arrays import Float32
from models.language.centering import centered
from models.language.encoder import encoder_name, load_encoder, maker_of, model_folder, readable
from models.language.encoding.embed_params import Params
from models.language.encoding.fixed_batches import raw_vectors
from models.language.encoding.vector_store import vectors_by_hash

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EncoderInput:
    """texts: of the items in the order of the catalogue, None or empty where there is none.

    encoder: name or path of the sentence encoder where params name none (a setting of the machine); known: file of
    sentence vectors by text hash; sealed: folder that fitted encoders are kept in; answers: folder of those of servers.
    """

    texts: Sequence[str | None]
    params: Params
    encoder: str
    known: Path
    sealed: Path
    answers: Path

    @cached_property
    def sentence(self) -> Float32:
        """(n_texts, size) unit rows of the sentence encoder, centered; zero rows where there is no text.

        Texts of which the encoder knows no token at all (another script) count as none: it could not tell them apart.
        (n_texts, 0) if none is left.
        """
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


def centered_rows(texts: Sequence[str | None], distinct: Sequence[str], raw: Float32) -> Float32:
    """(n_texts, size) unit rows, centered, of the raw vectors of the distinct texts; zero rows for others."""
    row_of_text = {text: row for row, text in enumerate(distinct)}
    vectors = np.zeros((len(texts), raw.shape[1]), dtype=np.float32)
    there = [place for place, text in enumerate(texts) if text in row_of_text]
    vectors[there] = raw[[row_of_text[texts[place] or ""] for place in there]]
    present = np.zeros(len(texts), dtype=np.bool_)
    present[there] = True
    return centered(vectors, present)
