"""Erasing a user's rows from an online namespace: Feast's stores have no deletion of single keys that works on all."""

from __future__ import annotations

from features.online.feast_rows import entity_keys
from features.online.namespace import OnlineNamespace
from features.online.redis_place import RedisPlace
from features.online.sqlite_place import SqlitePlace
from features.privacy.erasing import erasing
from features.states.aggregates import USER_CATEGORY_STATS, USER_STATS
from features.states.histories import USER_HISTORY

_TABLES = (USER_STATS, USER_CATEGORY_STATS, USER_HISTORY)


def erase_user(namespace: OnlineNamespace, user_id: str) -> int:
    """Erases all rows of a user; how many keys there were.

    Raises:
        StoreUnavailableError: the store does not answer; sent again it erases what is left.
    """
    place = namespace.place
    if isinstance(place, SqlitePlace):
        return _from_sqlite(place, namespace.namespace, user_id)
    assert isinstance(place, RedisPlace)
    doomed = [
        key
        for key in place.client.scan_iter(b"*" + namespace.namespace.encode(), count=5000)
        if _is_of(key[: -len(namespace.namespace)], user_id)
    ]
    return int(place.client.delete(*doomed)) if doomed else 0


def _from_sqlite(place: SqlitePlace, namespace: str, user_id: str) -> int:
    if not place.path.is_file():
        return 0
    erased: set[bytes] = set()
    with place.reading(), erasing(place.path) as connection:
        for table in (f"{namespace}_{table.name}" for table in _TABLES):
            rows = connection.execute(
                f'select distinct entity_key from "{table}" where instr(entity_key, ?) > 0', (user_id.encode(),)
            ).fetchall()
            keys = [key for (key,) in rows if _is_of(key, user_id)]
            connection.executemany(f'delete from "{table}" where entity_key = ?', [(key,) for key in keys])
            erased |= set(keys)
    return len(erased)


def _is_of(key: bytes, user_id: str) -> bool:
    """Whether a key of Feast's is of a user, alone or with a category."""
    try:
        return entity_keys.decode(key).get("user_id") == user_id
    except ValueError:  # a key of another kind
        return False
