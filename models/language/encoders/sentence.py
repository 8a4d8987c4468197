"""Sentence: the vectors of a pretrained sentence encoder, centered by the catalogue's mean."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from models.language.encoding.given import Given


def vectors_of(given: Given) -> dict[str, npt.NDArray[Any]]:
    """`sentence` → (n_items, size) unit rows, zero rows for items without a text; (n_items, 0) if none has one."""
    return {"sentence": given.sentence}
