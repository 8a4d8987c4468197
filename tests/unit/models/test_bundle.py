"""Sealing: the hash covers every byte, and every change is noticed."""

from __future__ import annotations

import hashlib
import json

import pytest

from models.release.bundle import BundleError, seal, unseal


def sealed(folder):
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "b.txt").write_text("b")
    (folder / "a.txt").write_text("a")
    return seal(folder, features=["user_stats:n_events"], data_hash="d", params_hash="p", code_version="c")


def test_the_hash_is_sha256_over_the_sorted_list_of_files(tmp_path):
    manifest = sealed(tmp_path / "bundle")
    digest = {name: hashlib.sha256(name[-5].encode()).hexdigest() for name in ("a.txt", "part/b.txt")}
    lines = f"{digest['a.txt']}  a.txt\n{digest['part/b.txt']}  part/b.txt\n"
    assert manifest.hash == hashlib.sha256(lines.encode()).hexdigest()
    assert manifest.files == digest


def test_equal_files_give_equal_hashes_in_any_folder(tmp_path):
    assert sealed(tmp_path / "x").hash == sealed(tmp_path / "a" / "much" / "longer" / "path").hash


def test_the_manifest_holds_no_clock_host_or_path(tmp_path):
    first = sealed(tmp_path / "x") and (tmp_path / "x" / "manifest.json").read_bytes()
    second = sealed(tmp_path / "yy") and (tmp_path / "yy" / "manifest.json").read_bytes()
    assert first == second
    assert set(json.loads(first)) == {"hash", "files", "features", "data_hash", "params_hash", "code_version"}


@pytest.mark.parametrize("harm", ["alter", "remove", "add", "manifest"])
def test_every_harm_is_noticed_and_named(tmp_path, harm):
    folder = tmp_path / "bundle"
    sealed(folder)
    if harm == "alter":
        (folder / "part" / "b.txt").write_text("c")
    elif harm == "remove":
        (folder / "part" / "b.txt").unlink()
    elif harm == "add":
        (folder / "part" / "b.txt.orig").write_text("")
    else:
        (folder / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match=r"b\.txt|manifest\.json"):
        unseal(folder)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="no manifest.json; make one with `recops run`"):
        unseal(tmp_path)
