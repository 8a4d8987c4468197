"""Hashed ids: users as keyed hashes (HMAC-SHA256), so that data and stores hold no e-mail; the key is a setting.

The same person has the same hash in files, requests and events as long as the key is the same. A hashed id is left as
it is, so that no id is hashed twice on its way from the service's log back into the data.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path

import polars as pl

from features.errors import UserError

KEY = "RECOPS_ID_KEY"
LEAST_KEY = 16  # characters
MAKE_ONE = "python -c 'import secrets; print(secrets.token_hex(32))'"
_hashed = re.compile(r"hid_[0-9a-f]{32}")


class IdKeyError(UserError):
    """The data hold hashed ids, and their key is missing or another one."""


class IdHasher:
    """Hashes ids with one key; `fingerprint` identifies the key without revealing it."""

    def __init__(self, key: str) -> None:
        """
        Raises:
            UserError: the key is shorter than LEAST_KEY characters.
        """
        length = len(key.strip())
        if length < LEAST_KEY:
            raise UserError(
                f"{KEY} has {length} characters, expected at least {LEAST_KEY}: short keys can be guessed; make one "
                f"with `{MAKE_ONE}`, and keep it as you keep a password"
            )
        self._key = key.encode(errors="surrogateescape")  # a setting may hold any bytes
        self.fingerprint = self._digest("recops: fingerprint of the key")[:12]

    def __call__(self, user_id: str) -> str:
        """`hid_` and 128 bits in hex; letter case of an e-mail makes no difference; a hashed id stays as it is."""
        if is_hashed(user_id):
            return user_id
        return f"hid_{self._digest('user: ' + canonical(user_id))[:32]}"

    def _digest(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def hashed(ids: pl.Series, hasher: IdHasher) -> pl.Series:
    """Hashes of a column of ids, nulls kept; each distinct id is hashed once."""
    distinct = ids.drop_nulls().unique()
    hashes = pl.Series([hasher(user_id) for user_id in distinct.to_list()], dtype=pl.String)
    return ids.replace_strict(distinct, hashes, default=None, return_dtype=pl.String)


def read_id_key(source_json: Path) -> str:
    """Fingerprint in a source.json of the data; empty: ids are plain, or there is no such file."""
    if not source_json.is_file():
        return ""
    return str(json.loads(source_json.read_text(encoding="utf-8")).get("id_key") or "")


def is_hashed(user_id: str) -> bool:
    """Whether an id has the form of a hashed one."""
    return _hashed.fullmatch(user_id) is not None


def canonical(user_id: str) -> str:
    """An e-mail in lower case, any other id as it is."""
    return user_id.lower() if "@" in user_id else user_id


def hasher_for(id_key: str, key: str, where: str) -> IdHasher | None:
    """The hasher of data whose ids were hashed under the key with this fingerprint; None: they were not.

    id_key: fingerprint that the data carry, empty where ids are plain; key: the setting's value; where: what was
    hashed, for the message.

    Raises:
        IdKeyError: there is no key, or it is another one.
    """
    if not id_key:
        return None
    if not key:
        raise IdKeyError(
            f"{where}: its user ids were hashed (--hash-ids) with a key, and {KEY} is not set; set it to the key of "
            f"that import (fingerprint {id_key})"
        )
    hasher = IdHasher(key)
    if hasher.fingerprint != id_key:
        raise IdKeyError(
            f"{where}: its user ids were hashed with another key than {KEY} holds (fingerprints {id_key} and "
            f"{hasher.fingerprint}); set {KEY} to the key of that import, or import the data anew"
        )
    return hasher
