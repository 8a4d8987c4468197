"""Bentos as they stand in the store of a home, made by hand: the code that serves and the word which it is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from features.settings import Settings
from models.release.code import SERVING_PACKAGES, bento_folder
from models.release.store import Release, ReleaseStore
from tests.support.small_release import Made, release

ROOT = Path(__file__).parents[2]


def release_with_code(made: Made, settings: Settings, name: str, code: str, *, broken: str = "") -> Release:
    """A recorded release whose Bento holds the code of this working tree, with `code` as its mark.

    broken: a line that ends the import of its service.
    """
    recorded = release(made, settings, name, live=False)
    recorded = replace(recorded, bento_tag=f"recops:{recorded.bundle_hash[:12]}-{code}")
    ReleaseStore(settings.home).write(recorded)
    assert recorded.bento_tag is not None
    folder = bento_folder(settings.home, recorded.bento_tag)
    if not folder.is_dir():
        for package in SERVING_PACKAGES:
            shutil.copytree(ROOT / package, folder / "src" / package, ignore=shutil.ignore_patterns("__pycache__"))
        mark = folder / "src" / "services" / "__init__.py"
        mark.write_text(f'{mark.read_text(encoding="utf-8")}\n"""{code}"""\n', encoding="utf-8")
        (folder / "bento.yaml").write_text(f"name: recops\nversion: {folder.name}\n", encoding="utf-8")
    if broken:
        service = folder / "src" / "services" / "service.py"
        service.write_text(f"{broken}\n", encoding="utf-8")
    return recorded
