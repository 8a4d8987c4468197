"""Stage train_retriever NAME train|full: one retriever, fitted on the log up to the first or the second cutoff."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

from features.errors import UserError
from features.params import positives, section
from features.schema import LOG
from flows.stages.entry import stage
from models.ablation.kept import KeptOfRetriever
from models.compute.resolved import check_precision_of
from models.data.tables import make_log, read_catalogue, read_friends
from models.data.types import Catalogue
from models.interfaces import Retriever, WarmStarts
from models.registry import load_part, make

LOGS = Path("data/log")
CATALOGUE = Path("data/catalogue")
VECTORS = Path("data/vectors")
RELATIONS = Path("data/tables/relations.parquet")
RETRIEVERS = Path("data/retrievers")
RESOLVED = Path("data/resolved.json")
KEPT = Path("data/language/retrievers")
SENTENCE = "sentence"  # the encoder whose vectors stand apart

log = logging.getLogger(__name__)


def main() -> None:
    """Reads its own section, the log of the part and the catalogue; writes the retriever's folder.

    The second fit, on the full log, also reads the first one's folder, for a warm start, and what `ablate` left out.
    """
    match sys.argv[1:]:
        case [name, ("train" | "full") as part]:
            pass
        case arguments:
            raise UserError(
                f"train_retriever: found arguments {arguments}, expected a retriever's name and train or full"
            )
    params = section(f"retrievers.{name}", load_part("retriever", name).Params)
    check_precision_of(RESOLVED, params, f"retrievers.{name}")
    fresh = make("retriever", name, params)
    catalogue = read_catalogue(CATALOGUE, VECTORS)
    if part == "full":
        kept = KeptOfRetriever.read(KEPT / f"{name}.json")
        if not kept.kept:
            (RETRIEVERS / part / name).mkdir(parents=True)
            log.info("retriever=%s part=%s: left out by the stage ablate", name, part)
            return
        catalogue = _without(catalogue, kept.vectors_left_out)
    friends = read_friends(RELATIONS)
    rows = make_log(LOG.read(LOGS / f"{part}.parquet"), catalogue.vocabulary, positives=positives(), friends=friends)
    started = time.monotonic()
    if part == "full" and isinstance(fresh, WarmStarts):
        fitted: Retriever = fresh.refit(rows, catalogue, fresh.load(RETRIEVERS / "train" / name))
    else:
        fitted = fresh.fit(rows, catalogue)
    log.info("retriever=%s part=%s n_rows=%d seconds=%.1f", name, part, len(rows.items), time.monotonic() - started)
    fitted.save(RETRIEVERS / part / name)


def _without(catalogue: Catalogue, encoders: list[str]) -> Catalogue:
    """As if some encoders had made no vectors."""
    if not encoders:
        return catalogue
    further = {name: rows for name, rows in catalogue.further.items() if name not in encoders}
    return replace(catalogue, vectors=None if SENTENCE in encoders else catalogue.vectors, further=further)


if __name__ == "__main__":
    stage(main)
