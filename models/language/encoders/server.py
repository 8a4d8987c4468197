"""Server: vectors that an OpenAI-compatible server gave (`recops ask vectors`), read from the answers; asks nobody."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from models.language.centering import centered_rows
from models.language.encoding.asked_vectors import PART, asker_of_vectors, sent_text, unpacked
from models.language.encoding.given import Given
from models.language.writing.answers import key_of, read_answers

logger = logging.getLogger(__name__)


def vectors_of(given: Given) -> dict[str, npt.NDArray[Any]]:
    """`server` → (n_items, size) unit rows, centered; zero rows for texts that are not answered. {} if none is."""
    model = given.params.server.model
    if model is None:
        logger.warning("embed: encoder `server` is on and embed.server.model is null, so it has no vectors")
        return {}
    asker = asker_of_vectors(model)
    rows = read_answers(given.answers).filter(part=PART, asker=asker, valid=True)
    by_key = {key: unpacked(answer) for key, answer in rows.select("key", "answer").sort("key").iter_rows()}
    distinct = sorted({text for text in given.texts if text})
    found = {text: by_key[key] for text in distinct if (key := key_of(asker, sent_text(text))) in by_key}
    if not found:
        logger.warning("embed encoder=server n_answered=0 of %d: `recops ask vectors` asks for them", len(distinct))
        return {}
    size = Counter(len(vector) for vector in found.values()).most_common(1)[0][0]
    fitting = {text: vector for text, vector in found.items() if len(vector) == size}
    logger.info("embed encoder=server n_texts=%d n_answered=%d size=%d", len(distinct), len(fitting), size)
    return {"server": centered_rows(given.texts, list(fitting), np.array(list(fitting.values()), dtype=np.float32))}
