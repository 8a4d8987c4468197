"""Tables of one database, made once, by whichever process needs them first."""

from __future__ import annotations

from collections.abc import Sequence

from features.events.database import Database


def has_table(database: Database, table: str) -> bool:
    """A look that needs no write permission."""
    with database.transaction() as statements:
        return bool(statements.execute(database.has_table, (table,)))


def make_tables(database: Database, table: str, sql: Sequence[str]) -> bool:
    """Executes the statements unless `table`, one of those that they make, is there; whether it was there already."""
    if has_table(database, table):
        return True
    with database.transaction(write=True) as statements:
        statements.execute(database.lock_the_schema)
        # asked first: even `create index if not exists` waits for other writers, which may wait for us
        if not statements.execute(database.has_table, (table,)):
            for statement in sql:
                statements.execute(statement)
    return False
