"""Opens the database that a URL names."""

from __future__ import annotations

from pathlib import Path

from features.errors import UserError
from features.events.database import PATIENT, Database, Patience, SqliteDatabase


def open_database(url: str, patience: Patience = PATIENT) -> Database:
    """The database of a URL: `sqlite:///file` or `postgresql://…`.

    Raises:
        UserError: another kind of URL.
    """
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")), patience)
    if url.startswith(("postgresql://", "postgres://")):
        from features.events.postgres import PostgresDatabase

        return PostgresDatabase(url, patience)
    kind = url.split(":", 1)[0]
    raise UserError(
        f"RECOPS_DATABASE_URL: found '{kind}:…'; expected sqlite:///file or postgresql://user@host/name; correct it"
    )
