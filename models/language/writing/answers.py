"""Answers: the table of what a model said, each row under a key over all that decides what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from features.table import Table, type_of_time
from models.language.writing.asking_params import Params
from models.language.writing.prompt import Prompt

ANSWERS = Table(
    "answers",
    {
        "key": pl.String,  # sha256 over `asker` and the text that was asked about
        "asker": pl.String,  # sha256 over model, prompt, schema and sampling
        "part": pl.String,
        "subject": pl.String,  # an item's or a user's id
        "as_of": type_of_time,  # of a user: the newest act that the text tells of
        "answer": pl.String,  # JSON; null where it was refused
        "valid": pl.Boolean,
        "refusal": pl.String,  # why it was refused
        "n_requests": pl.Int64,
        "tokens_in": pl.Int64,
        "tokens_out": pl.Int64,
        "seconds": pl.Float64,
        "price": pl.Float64,
        "server": pl.String,  # the name by which it knows the model, and a hash of its address
        "answered_at": type_of_time,
    },
    key=("key",),
    required=("key", "asker", "part", "subject", "valid", "n_requests", "tokens_in", "tokens_out", "answered_at"),
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing to ask. facts: all that the answer may speak of; worth: the smallest is asked first."""

    key: str
    asker: str
    part: str
    subject: str
    facts: Mapping[str, Any]
    text: str
    as_of: int | None = None
    worth: tuple[float, ...] = ()


def asker_of(params: Params, prompt: Prompt, schema: type[BaseModel]) -> str:
    """Who is asked how: model, prompt, schema of the answer and sampling, as one hash."""
    return _sha256([params.model, prompt.sha256, schema.model_json_schema(), params.sampling()])


def key_of(asker: str, text: str) -> str:
    """The key of an answer."""
    return _sha256([asker, text])


def read_answers(folder: Path) -> pl.DataFrame:
    """ANSWERS of all parquet files of a folder; empty where there is none."""
    files = sorted(folder.glob("*.parquet"))
    tables = [ANSWERS.read(path) for path in files]
    return ANSWERS.check(pl.concat(tables), source=str(folder)) if tables else ANSWERS.empty()


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
