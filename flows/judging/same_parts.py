"""Which parts of two bundles are the same: of those only one is kept and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.recommender import Recommender

Hashes = Mapping[str, str]
"""A manifest's files and their SHA-256."""


def with_same_parts(theirs: Recommender, ours: Recommender, their_files: Hashes, our_files: Hashes) -> Recommender:
    """`theirs` with the parts of `ours` in place of those whose files are equal.

    Bundles of different catalogues or vectors have nothing in common: positions and features are the catalogue's.
    """

    def same(folder: str) -> bool:
        return _within(folder, their_files) == _within(folder, our_files)

    if not (same("catalogue/") and same("vectors/")):
        return theirs
    retrievers = {
        name: ours.retrievers[name] if name in ours.retrievers and same(f"retrievers/{name}/") else part
        for name, part in theirs.retrievers.items()
    }
    same_ranker = same("ranker/") and list(theirs.retrievers) == list(ours.retrievers)
    return replace(
        theirs,
        catalogue=ours.catalogue,
        lookup=ours.lookup,
        retrievers=retrievers,
        ranker=ours.ranker if same_ranker else theirs.ranker,
    )


def _within(folder: str, files: Hashes) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name.startswith(folder)}
