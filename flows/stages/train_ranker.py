"""train_ranker: features of the examples as of their instants through Feast, then the ranker that earns its place."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import polars as pl

from features.files import write_text
from features.params import section
from features.schema import INTERACTIONS
from flows.judging.truncated_features import lookup_with_truncated
from flows.project.dataset import Project
from flows.stages.entry import stage
from models.data.tables import read_catalogue
from models.data.truncation import TRUNCATED
from models.ranking.examples import Examples
from models.ranking.features import feature_names, features_of
from models.ranking.ranker_data import RankerData
from models.ranking.training import Params, train_ranker

CANDIDATES = Path("data/candidates")
CATALOGUE = Path("data/catalogue")
RANKER = Path("data/ranker")

log = logging.getLogger(__name__)


def main() -> None:
    """Reads examples, feature tables and catalogue; writes the ranker and what was chosen and why (ranker.json)."""
    params = section("ranker", Params)
    examples, catalogue = Examples.load(CANDIDATES), read_catalogue(CATALOGUE)
    short, asked = INTERACTIONS.read(CANDIDATES / TRUNCATED), pl.Series(np.unique(examples.user_ids).tolist())
    with lookup_with_truncated(Project(Path()), catalogue, short, asked) as lookup:
        features = features_of(examples.candidates, examples.names, examples.at, examples.asked, lookup)
    names = feature_names(examples.candidates.retrievers, lookup.names)
    trained = train_ranker(RankerData.of(examples, features, names), params)
    log.info("ranker=%s why=%s", trained.name, trained.figures["why"])
    trained.ranker.save(RANKER)
    said = {
        "ranker": trained.name,
        "retrievers": list(examples.candidates.retrievers),
        "features": list(lookup.names),
        "figures": trained.figures,
    }
    write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", RANKER / "ranker.json")


if __name__ == "__main__":
    stage(main)
