"""Chooses the online store's backend by the setting RECOPS_ONLINE_STORE."""

from __future__ import annotations

from pathlib import Path

from features.errors import UserError
from features.online.online_place import OnlinePlace


def place(online_store: str, folder: Path, namespace: str) -> OnlinePlace:
    """The backend of a namespace: SQLite or Redis, by the value of RECOPS_ONLINE_STORE."""
    if online_store == "sqlite":
        from features.online.sqlite_place import SqlitePlace

        return SqlitePlace(folder, namespace)
    if online_store.startswith(("redis://", "rediss://")):
        from features.online.redis_place import RedisPlace

        return RedisPlace(online_store, namespace)
    raise UserError(
        f"RECOPS_ONLINE_STORE is '{online_store.partition('://')[0]}', expected 'sqlite' or 'redis://host:port/number'"
    )
