"""Messages of a conversation with what is meant by each, the catalogue they are about, and how they are scored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from features.schema import CATALOGUE
from models.data.tables import make_catalogue
from models.language.intent.intent import Intent, Memory
from models.language.intent.lexicon import Lexicon
from models.language.intent.understanding import understand
from models.language.search.text_index import ItemTexts, TextIndex, labels_of

FOLDER = Path(__file__).parents[1] / "behaviour" / "chat"
SLOTS = ("like", "dislike", "include", "exclude")
FURTHER = ("year", "duration_min", "weight_g")


@dataclass
class Counts:
    """Slots that were found, found wrongly, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, found: set[str], expected: set[str]) -> None:
        self.right += len(found & expected)
        self.wrong += len(found - expected)
        self.missed += len(expected - found)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)


def messages(language: str) -> list[dict[str, Any]]:
    return yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))


def rental_shop() -> Lexicon:
    """The lexicon of tests/behaviour/chat/catalogue.yaml."""
    rows = yaml.safe_load((FOLDER / "catalogue.yaml").read_text(encoding="utf-8"))
    columns = {
        name: [row.get(name) for row in rows] for name in ("item_id", "title", "description", "tags", "category")
    }
    frame = pl.DataFrame(columns).with_columns(
        pl.Series("price", [float(row["price"]) for row in rows]),
        pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).cast(CATALOGUE.columns["created_at"]).alias("created_at"),
        pl.lit(None, pl.String).alias("text"),
    )
    texts = [
        ItemTexts(
            title=row["title"], description=row["description"], labels=labels_of(row["tags"], row["category"], ())
        )
        for row in rows
    ]
    numbers = {name: np.array([row.get(name, np.nan) for row in rows], dtype=np.float64) for name in FURTHER}
    catalogue = make_catalogue(frame.select(list(CATALOGUE.columns)))
    return Lexicon(catalogue, [], numbers, TextIndex.of(texts).mentions)


def slots_of(intent: Intent) -> set[str]:
    """What was found, as texts that can be compared."""
    found = {f"{slot}: {value}" for slot in SLOTS for value in getattr(intent, slot)}
    found |= {f"{limit.column} {limit.op} {limit.value:g}" for limit in intent.numbers}
    return found | ({"restart"} if intent.restart else set())


def expected_of(message: dict[str, Any]) -> set[str]:
    expected = {f"{slot}: {value}" for slot in SLOTS for value in message.get(slot, [])}
    expected |= set(message.get("numbers", []))
    return expected | ({"restart"} if message.get("start_over") else set())


def score(language: str, lexicon: Lexicon) -> tuple[Counts, list[str]]:
    """Counts of a language's messages, and a line for each one that was not understood as it is meant."""
    counts, faults = Counts(), []
    for message in messages(language):
        found = slots_of(understand(message["say"], Memory(shown=message.get("shown", [])), lexicon))
        expected = expected_of(message)
        counts.add(found, expected)
        if found != expected:
            faults.append(f"{message['say']}: missed {sorted(expected - found)}, wrong {sorted(found - expected)}")
    return counts, faults
