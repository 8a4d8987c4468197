"""Item texts: one plain passage per item, for text encoders and for readers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import polars as pl


def item_text(items: pl.DataFrame) -> pl.Series:
    """(n_items,) text of each row of ITEMS, null where there is nothing to say.

    Title first, then tags, category and description, each in its own sentence; what only repeats the title or a tag
    is left out.
    """
    tags = pl.col("tags").list.eval(_plain(pl.element()).drop_nulls()).list.join(", ")
    category = _plain(pl.col("category"))
    parts = [
        _plain(pl.col("title")),
        pl.when(tags.str.len_chars() > 0).then(tags),
        pl.when(~pl.col("tags").list.contains(pl.col("category")).fill_null(False)).then(category),
        pl.when(_plain(pl.col("description")) != _plain(pl.col("title")).fill_null("")).then(
            _plain(pl.col("description"))
        ),
    ]
    text = pl.concat_str([part.str.strip_chars_end(" .") for part in parts], separator=". ", ignore_nulls=True)
    return items.select(text=pl.when(text.str.len_chars() > 0).then(text))["text"]


def plain(column: str) -> pl.Expr:
    """A text column without markup, entities and runs of blanks; null where nothing is left."""
    return _plain(pl.col(column)).alias(column)


def _plain(text: pl.Expr) -> pl.Expr:
    """Markup goes, the common entities become characters, blanks become one; empty is null."""
    text = text.str.replace_all(r"<[a-zA-Z/!][^<>]{0,300}>", " ")
    for entity, character in _entities.items():
        text = text.str.replace_all(entity, character, literal=True)
    text = text.str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(text.str.len_chars() > 0).then(text)


_entities = {
    "&nbsp;": " ",
    "&quot;": '"',
    "&#34;": '"',
    "&apos;": "'",
    "&#39;": "'",
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",  # last: it may stand before the others
}


def history_text(acts: Sequence[tuple[str | None, str]], budget: int = 600) -> str:
    """A history in words, oldest to newest: "bought X, then Y; looked at Z".

    acts: kind of event and title of each, oldest first; those without a title are left out. budget: characters at most;
    where they do not suffice, the oldest acts are left out, and "…" stands for them. "" where nothing is left.
    """
    told = [(VERBS.get(event or "", (event or "chose").replace("_", " ")), title) for event, title in acts if title]
    text = ""
    for first in range(len(told) - 1, -1, -1):
        longer = ("… " if first else "") + _sentence(told[first:])
        if len(longer) > budget:
            break
        text = longer
    return text


def _sentence(told: Sequence[tuple[str, str]]) -> str:
    groups = groupby(told, key=lambda act: act[0])
    return "; ".join(f"{verb} {', then '.join(title for _, title in group)}" for verb, group in groups)


VERBS = {
    "purchase": "bought",
    "buy": "bought",
    "order": "bought",
    "click": "looked at",
    "view": "looked at",
    "play": "played",
    "watch": "watched",
    "read": "read",
    "rating": "rated",
    "like": "liked",
    "save": "saved",
    "add_to_cart": "put into the cart",
    "cart": "put into the cart",
    "follow": "followed",
    "share": "shared",
}
"""Kind of event → what is said of it; other kinds by their own name."""
