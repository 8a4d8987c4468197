"""`recops forget`: erases a user from every store, in the order of the table, and says what was done."""

from __future__ import annotations

from collections.abc import Sequence

from features.settings import Settings
from flows.forgetting.stores_of_users import STORES


def forget(settings: Settings, user_ids: Sequence[str]) -> list[str]:
    """A line for each store. user_ids: the id as given and as the data hold it, where that is another.

    Sent again it erases what has come since.

    Raises:
        DatabaseError, StoreUnavailableError: a store does not answer; those before it in the table are done.
    """
    lines = []
    for store in STORES:
        n_erased = sum(store.erase(settings, user_id) for user_id in dict.fromkeys(user_ids))
        lines.append(f"{store.name} ({store.holds}): {n_erased or 'nothing'} erased")
    return lines
