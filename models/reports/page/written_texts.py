"""The report's section on texts: what was written of items and users, by whom, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.reports.page.html import section, table

NAMES = {
    "keywords": "keywords of items",
    "description": "descriptions where there is none",
    "prior_popularity": "how well known items are",
    "profile": "profiles of users",
    "reason": "what items are about",
}


def written_texts(ledger: Mapping[str, Any]) -> str:
    """ledger: as `report` of models/language/writing/enriched.py."""
    model, total = ledger["model"], ledger["total"]
    if model is None:
        lead = "By local methods alone: no language model is named, and nothing was sent anywhere."
    else:
        n_tokens = total["tokens_in"] + total["tokens_out"]
        lead = (
            f"By {model} where it gave a valid answer, else by local methods. All answers so far: "
            f"{total['calls']:,} calls, {n_tokens:,} tokens, {total['seconds']:,.0f} s, "
            f"a price of {total['price']:,.4f}; that is {total['price_a_thousand_recommendations']:.5f} for 1,000 "
            f"recommendations, one list of ten a user. {total['valid_share']:.0%} of the answers were valid."
        )
    heads = ["", "written", "by the model", "local", "answers used twice", "calls", "tokens", "price", "refused"]
    rows = []
    for name, part in ledger["parts"].items():
        counts = [part["written"], part["asked"], part["local"], part["reused"], part["calls"]]
        tokens = part["tokens_in"] + part["tokens_out"]
        cells = [f"{count:,}" for count in (*counts, tokens)]
        rows.append([NAMES.get(name, name), *cells, f"{part['price']:,.4f}", f"{part['refused']:,}"])
    return section("Texts of items and users", lead, table(heads, rows))
