"""Kept: which language parts stay, as `ablate` writes it and later stages read it (data/language/kept.json)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from features.files import write_text


class JudgedPart(BaseModel):
    """One part with its figures; costs and price: models/ablation/costs.py."""

    model_config = ConfigDict(extra="forbid")

    part: str
    """Its name in the report, such as `encoder words`."""
    kept: bool
    metric: str
    """What it was judged on, in words."""
    n_users: int
    with_part: float
    without: float
    lift: float
    """1 - without / with: the share of the metric that would be lost without the part."""
    low: float
    high: float
    tokens: int
    milliseconds: float
    bytes: int
    price: float
    """Lift in percent for which its costs may be paid."""
    why: str
    """A sentence: what was decided and why; of what was dropped also at what price it would stay."""


class Kept(BaseModel):
    """The verdicts, and what follows from them."""

    model_config = ConfigDict(extra="forbid")

    skipped: str | None = None
    """Why nothing was judged; null: it was."""
    parts: list[JudgedPart] = []
    map_settings: dict[str, Any] | None = None
    """What the fit of the map has chosen on train (MapSettings); null: there is no map."""
    retrievers_left_out: list[str] = []
    """Masked in the candidates, not refitted, not in the bundle."""
    vectors_left_out: list[str] = []
    """Encoders that the map does without; of these, all but `sentence` are not in the bundle."""

    def write(self, path: Path) -> None:
        """Rounded to six digits, so that the file is the same on every machine."""
        write_text(self.model_dump_json(indent=1) + "\n", path)

    @classmethod
    def read(cls, path: Path) -> Kept:
        return cls.model_validate_json(path.read_text(encoding="utf-8"))


class KeptOfRetriever(BaseModel):
    """What the second fit of one retriever has to know; a file for each, so that no other one becomes stale."""

    model_config = ConfigDict(extra="forbid")

    kept: bool = True
    vectors_left_out: list[str] = []

    def write(self, path: Path) -> None:
        write_text(self.model_dump_json(indent=1) + "\n", path)

    @classmethod
    def read(cls, path: Path) -> KeptOfRetriever:
        return cls.model_validate_json(path.read_text(encoding="utf-8"))


def kept_of_retriever(kept: Kept, name: str, reads_vectors: bool) -> KeptOfRetriever:
    """reads_vectors: whether the retriever reads the vectors of all encoders."""
    return KeptOfRetriever(
        kept=name not in kept.retrievers_left_out,
        vectors_left_out=kept.vectors_left_out if reads_vectors else [],
    )
