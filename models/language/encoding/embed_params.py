"""Params of item vectors: which encoders are on, and how each works."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.compute.precision import Precision

EncoderName = Literal["sentence", "words", "static", "server"]


class WordsParams(BaseModel):
    """Parameters of the encoder of words."""

    model_config = ConfigDict(extra="forbid")

    n_directions: int = Field(default=512, ge=2)
    """Directions that are kept. More tell more texts apart; fewer find words that mean the same."""
    least_texts: int = Field(default=2, ge=1)
    """A word or part of a word in fewer texts is not read."""
    most_terms: int = Field(default=30_000, ge=100)
    """Words, and as many parts of words, that are kept, the most frequent ones."""
    length_quantile: float = Field(default=1.0, gt=0, le=1)
    """Words beyond this quantile of the catalogue's lengths are not read: no text gains by being longer than others."""
    repeats_quantile: float = Field(default=0.95, gt=0, le=1)
    """A word counts at most as often as the most repeated word of a text at this quantile."""


class StaticParams(BaseModel):
    """Parameters of the static encoder."""

    model_config = ConfigDict(extra="forbid")

    ridge: float = Field(default=0.03, gt=0)
    """Penalty on the token vectors; higher trusts rare tokens less."""
    steps: int = Field(default=60, ge=1)
    """Steps of the conjugate gradients; time grows in proportion, the error hardly changes beyond the default."""


class ServerParams(BaseModel):
    """Parameters of the encoder behind an OpenAI-compatible server."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None
    """Name of the model whose vectors count; null: nobody's. `recops ask vectors` asks for them."""


class Params(BaseModel):
    """Section `embed`."""

    model_config = ConfigDict(extra="forbid")

    encoders: tuple[EncoderName, ...] = ("sentence", "words")
    """Encoders that are on. Without `sentence` the parts that read its vectors step aside."""
    encoder: str | None = None
    """Name or path of a sentence-transformers model; null: all-MiniLM-L6-v2, which is installed as a package."""
    batch_size: int = Field(default=8, ge=1)
    """Texts per batch; greater needs more memory. Short batches are filled up: a part of the result."""
    threads: int = Field(default=2, ge=1)
    """Threads of the encoder. They affect the result: another number may change the last bits."""
    max_tokens: int = Field(default=256, ge=8)
    """Maximum length; longer texts are truncated. Cost grows with it."""
    precision: Precision = "auto"
    """See models/compute/precision.py; the vectors of both precisions have a cosine of at least 0.9999."""
    words: WordsParams = WordsParams()
    """Of the encoder of words, which is fitted on the catalogue."""
    static: StaticParams = StaticParams()
    """Of the static encoder, which is distilled from the sentence encoder on the catalogue."""
    server: ServerParams = ServerParams()
    """Of the encoder behind a server."""
