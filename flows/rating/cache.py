"""Cache of raters' predictions, keyed by what they depend on: params, data and code."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import UserError
from features.files import write_text
from flows.project.fingerprints import code_hash
from models.data.saved_params import FORMAT
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Ratings
from models.evaluation.rating_accuracy import Predicted
from models.interfaces import KnowsUncertainty, Rater
from models.rating.ratings import RatingSplit

logger = logging.getLogger(__name__)


def answers(
    folder: Path,
    name: str,
    rater: Rater,
    parts: RatingSplit,
    catalogue: Catalogue,
    key: Mapping[str, Any],
    span: tuple[float, float],
    step: str,
) -> tuple[Predicted, Predicted]:
    """A rater's predictions for valid (fitted on train) and test (fitted on trainval), or those cached in the folder.

    They are clipped to the range of the values.

    Raises:
        UserError: the rater gives values that are not finite.
    """
    params = rater.params.model_dump(mode="json")
    whole = {**key, "format": FORMAT, "rater": name, "params": params, "code": code_hash(type(rater).__module__)}
    wanted = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    kept, mark = folder / f"{name}.safetensors", folder / f"{name}.json"
    if kept.is_file() and mark.is_file() and json.loads(mark.read_text(encoding="utf-8"))["key"] == wanted:
        logger.info("%s: read from the cache", step)
        arrays = read_arrays(kept)
    else:
        mark.unlink(missing_ok=True)
        logger.info("%s: fitting", step)
        started = time.monotonic()
        arrays = _asked(rater, parts.train, parts.valid, catalogue, "valid", span)
        logger.info("%s: fitted on train in %.0f s, once more on train and valid", step, time.monotonic() - started)
        arrays |= _asked(rater, parts.trainval, parts.test, catalogue, "test", span)
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise UserError(f"raters.{name}: some predictions are not finite; lower its learning_rate (params.yaml)")
        write_arrays(arrays, kept)
        write_text(json.dumps({"key": wanted}) + "\n", mark)
        logger.info("%s: done in %.0f s", step, time.monotonic() - started)
    valid, test = (Predicted(arrays[part], arrays.get(f"{part}_deviations")) for part in ("valid", "test"))
    return valid, test


def _asked(
    rater: Rater, known: Ratings, asked: Ratings, catalogue: Catalogue, part: str, span: tuple[float, float]
) -> dict[str, Any]:
    fitted = rater.fit(known, catalogue)
    answers = {part: np.clip(fitted.predict(asked.users, asked.items, asked.times), *span).astype(np.float32)}
    if isinstance(fitted, KnowsUncertainty):
        answers[f"{part}_deviations"] = fitted.uncertainty(asked.users, asked.items, asked.times)
    return answers
