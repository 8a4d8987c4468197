"""Placeholder ids: words for nobody or nothing that stand where an id belongs, and might be one; asked about by a note.

Words that programs write for no value are no ids at all (`features/fields.py`); these are kept.
"""

from __future__ import annotations

import polars as pl

from features.privacy.hashed_ids import IdHasher

WORDS = (
    *("na", "n.a.", "nil", "(null)", "[null]", "(none)", "(not set)", "nat", "-", "--", "?", "???", "-1", "missing"),
    *("empty", "unknown", "unbekannt", "anonymous", "anon", "guest", "nobody", "no user", "nouser", "default", "test"),
)
ENOUGH = 2  # rows: one alone does no harm
SHOWN = 5


def notes_on_placeholders(interactions: pl.DataFrame, hasher: IdHasher | None = None) -> list[str]:
    """A sentence for each column of INTERACTIONS whose ids hold such words, with their rows; hasher: of the users."""
    notes = []
    if hasher is not None:
        spelled = [case for word in WORDS for case in (word, word.title(), word.upper())]
        of_hash = {hasher(case): case for case in dict.fromkeys(spelled)}
        interactions = interactions.with_columns(pl.col("user_id").replace(of_hash))
    for column, whom in (("user_id", "one user"), ("item_id", "one item")):
        word = pl.col(column).str.to_lowercase()
        counted = interactions.filter(word.is_in(WORDS)).group_by(column).len("n").filter(pl.col("n") >= ENOUGH)
        if not counted.height:
            continue
        rows = counted.sort(["n", column], descending=[True, False]).rows()
        words = ", ".join(f"{word!r} in {n:,} rows" for word, n in rows[:SHOWN])
        more = f" and {len(rows) - SHOWN} words more" if len(rows) > SHOWN else ""
        notes.append(
            f"question: {column} is {words}{more}; each counts as {whom}: if it stands for an unknown one, leave these "
            "rows out of the file"
        )
    return notes
