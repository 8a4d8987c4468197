"""Hashed ids: one person, one hash; what is hashed stays; keys that can be guessed are refused."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import polars as pl
import pytest

from features.errors import UserError
from features.importing.importer import import_source, read_sidecar
from features.privacy.hashed_ids import IdHasher, IdKeyError, canonical, hasher_for, is_hashed

KEY = "a key of the test, long enough"


def test_a_hash_is_hmac_sha256_of_the_id_under_the_key() -> None:
    expected = hmac.new(KEY.encode(), b"user: ann@example.com", hashlib.sha256).hexdigest()[:32]
    assert IdHasher(KEY)("ann@example.com") == f"hid_{expected}"
    assert is_hashed(IdHasher(KEY)("17"))


def test_letter_case_counts_in_ids_but_not_in_emails() -> None:
    hasher = IdHasher(KEY)
    assert hasher("Ann@Example.com") == hasher("ann@example.com")
    assert hasher("Ab") != hasher("ab")
    assert canonical("Ab") == "Ab"


def test_a_hash_is_not_hashed_again_and_other_keys_give_others() -> None:
    hasher, other = IdHasher(KEY), IdHasher(KEY + "!")
    assert hasher(hasher("ann")) == hasher("ann") != other("ann")
    assert hasher.fingerprint != other.fingerprint


def test_a_short_key_is_refused_with_the_way_to_make_one() -> None:
    with pytest.raises(UserError, match=r"RECOPS_ID_KEY has 5 characters, expected at least 16.*token_hex"):
        IdHasher("short")


def test_data_of_plain_ids_need_no_key_and_hashed_ones_their_own() -> None:
    fingerprint = IdHasher(KEY).fingerprint
    assert hasher_for("", "", "data") is None
    assert hasher_for("", KEY, "data") is None
    assert hasher_for(fingerprint, KEY, "data") is not None
    with pytest.raises(IdKeyError, match="RECOPS_ID_KEY is not set"):
        hasher_for(fingerprint, "", "data")
    with pytest.raises(IdKeyError, match="with another key"):
        hasher_for(fingerprint, KEY + "!", "data")


def test_words_for_nobody_are_asked_about_though_they_are_hashed(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item\n" + "Guest,a\nguest,b\nGuest,c\n")
    report = import_source("csv", tmp_path / "log.csv", {"hasher": IdHasher(KEY)}, tmp_path / "raw", False, None)
    assert any("user_id is 'Guest' in 2 rows" in note for note in report.notes)


def test_rows_are_only_added_to_rows_that_were_hashed_alike(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rows = {"user_id": ["A@x.org", "b"], "item_id": ["1", "2"], "timestamp": [1_700_000_000, 1_700_000_001]}
    pl.DataFrame(rows).write_csv(tmp_path / "in" / "interactions.csv")
    pl.DataFrame({"user_id": ["a@x.org"], "mail": ["a@x.org"], "age": [3]}).write_csv(tmp_path / "in" / "users.csv")
    plain, hashes = tmp_path / "plain", tmp_path / "hashes"
    hasher, other = IdHasher(KEY), IdHasher(KEY + "!")
    import_source("csv", tmp_path / "in", {}, plain, False, None)
    import_source("csv", tmp_path / "in", {"hasher": hasher}, hashes, False, None)
    users = pl.read_parquet(hashes / "users.parquet")
    assert users.to_dicts() == [{"user_id": hasher("a@x.org"), "age": 3}]  # the column of e-mails is left out
    assert pl.read_parquet(hashes / "interactions.parquet")["user_id"].to_list() == [hasher("a@x.org"), hasher("b")]
    assert read_sidecar(hashes).id_key == hasher.fingerprint
    assert "id_key" not in (plain / "source.json").read_text()
    for given, target, reason in (
        ({}, hashes, "add --hash-ids"),
        ({"hasher": hasher}, plain, "are plain, so hashed ones would be other users"),
        ({"hasher": other}, hashes, "with another key"),
    ):
        with pytest.raises(UserError, match=reason):
            import_source("csv", tmp_path / "in", given, target, True, None)
    import_source("csv", tmp_path / "in", {"hasher": hasher}, hashes, True, None)
