"""retrieve: candidates of the valid queries by the retrievers that were fitted before them, and what was chosen."""

from __future__ import annotations

import logging
from pathlib import Path

from features.params import positives, read_params, section
from features.schema import INTERACTIONS
from features.split import read_cuts
from flows.stages.entry import stage
from models.examples import make_examples
from models.logs import read_catalogue
from models.parts import load_retriever
from models.queries import part_queries
from models.retrieval import Params, candidates_of

SPLIT = Path("data/split")
CATALOGUE = Path("data/catalogue")
RETRIEVERS = Path("data/retrievers/train")
CANDIDATES = Path("data/candidates")

log = logging.getLogger(__name__)


def main() -> None:
    """Reads the train-part retrievers, train and valid; writes the examples without features."""
    params, cuts = section("retrieve", Params), read_cuts(SPLIT / "split.json")
    catalogue = read_catalogue(CATALOGUE)
    queries, targets = part_queries(
        INTERACTIONS.read(SPLIT / "train.parquet"),
        INTERACTIONS.read(SPLIT / "valid.parquet"),
        catalogue.vocabulary,
        cuts.valid_cut if cuts.scheme == "global_time" else None,
        created_at=catalogue.created_at,
        positives=positives(),
    )
    names = sorted(read_params()["retrievers"])
    retrievers = {name: load_retriever(name).load(RETRIEVERS / name) for name in names}
    candidates = candidates_of(retrievers, queries, params.k, catalogue.n_items)
    examples = make_examples(queries, candidates, targets, catalogue.n_items)
    log.info(
        "n_queries=%d n_candidates=%d n_hits=%d of n_targets=%d",
        len(queries),
        len(candidates),
        int(examples.labels.sum()),
        int(targets.counts.sum()),
    )
    examples.save(CANDIDATES)


if __name__ == "__main__":
    stage(main)
