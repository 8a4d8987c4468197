"""Texts in a release: keywords of its items, and the profiles that a model wrote; others are made when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.table import Table, write_parquet
from models.language.tasks.user_profile import ProfileAnswer, profile_of
from models.language.writing.enriched import ENRICHED_ITEMS, ENRICHED_USERS
from models.language.writing.enriching import RENEWED
from models.language.writing.material import NEWEST

ITEMS_FILE = "item_texts.parquet"
PROFILES_FILE = "profiles.parquet"
ITEM_TEXTS = Table(
    "item_texts", {"item_id": pl.String, "keywords": pl.List(pl.String)}, key=("item_id",), required=("item_id",)
)


def write_released_texts(enriched: Path, folder: Path, *, users: bool) -> None:
    """From data/enriched into a release's folder; users: profiles too, of those whom a model was asked about."""
    items = ENRICHED_ITEMS.read(enriched / "items.parquet").select("item_id", "keywords")
    write_parquet(ITEM_TEXTS.check(items, source="enrich"), folder / ITEMS_FILE)
    asked = ENRICHED_USERS.read(enriched / "users.parquet").filter(pl.col("asked"))
    if users and asked.height:
        write_parquet(asked, folder / PROFILES_FILE)


def erase_profile(folder: Path, user_id: str) -> int:
    """Takes a user's profile out of a release's folder; number of profiles."""
    path = folder / PROFILES_FILE
    profiles = ENRICHED_USERS.read(path) if path.is_file() else ENRICHED_USERS.empty()
    kept = profiles.filter(pl.col("user_id") != user_id)
    if kept.height < profiles.height:
        write_parquet(kept, path)
    return profiles.height - kept.height


@dataclass(frozen=True)
class ReleasedTexts:
    """keywords: of each item of the vocabulary; empty where the release carries none."""

    folder: Path
    keywords: list[list[str]]

    @classmethod
    def read(cls, folder: Path, item_ids: Sequence[str]) -> ReleasedTexts:
        """Of a release's folder."""
        path = folder / ITEMS_FILE
        keywords = dict(ITEM_TEXTS.read(path).iter_rows()) if path.is_file() else {}
        return cls(folder, [keywords.get(item_id) or [] for item_id in item_ids] if keywords else [])

    def profile(self, user_id: str, items: Sequence[int], times: Sequence[int]) -> tuple[ProfileAnswer | None, bool]:
        """What is said of a user, None: nothing; and whether a model wrote it.

        A model's words count until a fifth of the last acts are newer. items, times: positions and instants [µs] of the
        user's choices, the newest first.
        """
        if (written := self._written(user_id, times[:NEWEST])) is not None:
            return written, True
        distinct = list(dict.fromkeys(items))[:NEWEST]
        return profile_of([self.keywords[item] if item < len(self.keywords) else [] for item in distinct]), False

    def _written(self, user_id: str, times: Sequence[int]) -> ProfileAnswer | None:
        """Read anew each time: whoever is forgotten is in no memory."""
        path = self.folder / PROFILES_FILE
        if not path.is_file():
            return None
        found = ENRICHED_USERS.read(path).filter(pl.col("user_id") == user_id)
        if found.is_empty():
            return None
        row = found.with_columns(pl.col("as_of").dt.epoch("us")).row(0, named=True)
        if sum(time > row["as_of"] for time in times) >= RENEWED * max(1, len(times)):
            return None
        return ProfileAnswer.model_validate(row)
