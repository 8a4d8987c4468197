"""Enriched tables: what is written of items and users, who wrote it, and the report of what the answers cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from features.table import Table, type_of_time
from models.language.writing.enriching import Part

ENRICHED_ITEMS = Table(
    "enriched_items",
    {
        "item_id": pl.String,
        "keywords": pl.List(pl.String),
        "description": pl.String,  # null where the catalogue has one
        "prior_popularity": pl.Float64,  # from 0 to 10
        "reason": pl.String,
        "asked": pl.List(pl.String),  # parts that a model wrote
    },
    key=("item_id",),
    required=("item_id", "keywords", "asked"),
)
ENRICHED_USERS = Table(
    "enriched_users",
    {
        "user_id": pl.String,
        "as_of": type_of_time,  # the newest act that the profile tells of
        "profile": pl.String,
        "likes": pl.List(pl.String),
        "dislikes": pl.List(pl.String),
        "new": pl.List(pl.String),
        "asked": pl.Boolean,
    },
    key=("user_id",),
    required=("user_id", "as_of", "asked"),
)
LISTS_A_USER = 10  # recommendations, for the price of a thousand of them


def items_table(parts: Mapping[str, Part]) -> pl.DataFrame:
    """ENRICHED_ITEMS."""
    items = {name: part for name, part in parts.items() if part.task.subjects == "items"}
    keywords, descriptions, popularity, reasons = (
        items[name].written for name in ("keywords", "description", "prior_popularity", "reason")
    )
    writers = list(zip(*(part.asked for part in items.values()), strict=True))
    rows = {
        "item_id": items["keywords"].subjects,
        "keywords": [one.all() if one else [] for one in keywords],  # type: ignore[attr-defined]
        "description": [one and one.description for one in descriptions],  # type: ignore[attr-defined]
        "prior_popularity": [one and one.known for one in popularity],  # type: ignore[attr-defined]
        "reason": [one and one.clause for one in reasons],  # type: ignore[attr-defined]
        "asked": [[name for name, by_model in zip(items, flags, strict=True) if by_model] for flags in writers],
    }
    return pl.DataFrame(rows, schema=dict(ENRICHED_ITEMS.columns), strict=False)


def users_table(profiles: Part) -> pl.DataFrame:
    """ENRICHED_USERS, of those of whom there is something to say."""
    told = [place for place, one in enumerate(profiles.written) if one is not None]
    rows: dict[str, Any] = {
        "user_id": [profiles.subjects[place] for place in told],
        "as_of": [profiles.as_of[place] for place in told],
        "asked": [profiles.asked[place] for place in told],
    }
    for name in ("profile", "likes", "dislikes", "new"):
        rows[name] = [getattr(profiles.written[place], name) for place in told]
    schema = {name: pl.Int64 if name == "as_of" else kind for name, kind in ENRICHED_USERS.columns.items()}
    frame = pl.DataFrame(rows, schema=schema)
    return frame.with_columns(pl.col("as_of").cast(type_of_time)).sort("user_id")


def report(parts: Mapping[str, Part], answers: pl.DataFrame, model: str | None) -> dict[str, Any]:
    """What each part cost, by the ledger, and how much of it is in use; prices in the currency of the settings.

    calls: requests to the server; reused: subjects that an answer serves which was paid for another one.
    """
    n_lists = len(parts["profile"].subjects)
    of_parts = {name: _of_part(part, answers.filter(part=name), n_lists) for name, part in parts.items()}
    total = {
        name: round(sum(one[name] for one in of_parts.values()), 6)
        for name in ("calls", "tokens_in", "tokens_out", "seconds", "price", "answers", "refused")
    }
    return {
        "model": model,
        "parts": of_parts,
        "total": total | _shares(total, len(parts["keywords"].subjects), n_lists),
    }


def _of_part(part: Part, answers: pl.DataFrame, n_lists: int) -> dict[str, Any]:
    in_use = answers.filter(pl.col("key").is_in(sorted(set(part.keys))))
    sums = {
        "calls": int(answers["n_requests"].sum()),
        "tokens_in": int(answers["tokens_in"].sum()),
        "tokens_out": int(answers["tokens_out"].sum()),
        "seconds": round(float(answers["seconds"].sum()), 3),
        "price": round(float(answers["price"].sum()), 6),
        "answers": answers.height,
        "refused": int((~answers["valid"]).sum()),
    }
    n_written, n_asked = sum(one is not None for one in part.written), sum(part.asked)
    uses = {
        "subjects": len(part.subjects),
        "written": n_written,
        "asked": n_asked,
        "local": n_written - n_asked,
        "reused": len(part.keys) - in_use.height,
    }
    return uses | sums | _shares(sums, len(part.subjects), n_lists)


def _shares(sums: Mapping[str, float], n_subjects: int, n_lists: int) -> dict[str, float]:
    recommendations = max(1, n_lists * LISTS_A_USER)
    return {
        "valid_share": round(1 - sums["refused"] / max(1, sums["answers"]), 4),
        "tokens_a_subject": round((sums["tokens_in"] + sums["tokens_out"]) / max(1, n_subjects), 3),
        "price_a_subject": round(sums["price"] / max(1, n_subjects), 9),
        "price_a_thousand_recommendations": round(1000 * sums["price"] / recommendations, 9),
    }
