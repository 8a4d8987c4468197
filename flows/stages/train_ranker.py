"""Stage train_ranker: as-of features of the examples through Feast, then training and choice of the ranker."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from features.files import write_text
from features.params import section
from features.schema import INTERACTIONS
from flows.judging.truncated_features import lookup_with_truncated
from flows.project.dataset import Project
from flows.stages.entry import stage
from models.ablation.kept import Kept
from models.data.tables import read_catalogue
from models.data.truncation import TRUNCATED
from models.ranking.examples import SAMPLE, Outcomes, joined, load_parts, retrievers_of, user_ids_of
from models.ranking.features import feature_names, features_of
from models.ranking.masking import masked
from models.ranking.ranker_data import RankerData
from models.ranking.rows import RowFile
from models.ranking.training import Params, train_ranker

CANDIDATES = Path("data/candidates")
CATALOGUE = Path("data/catalogue")
RANKER = Path("data/ranker")
KEPT = Path("data/language/kept.json")

log = logging.getLogger(__name__)


def main() -> None:
    """Reads examples, feature tables, catalogue and which parts stay; writes the ranker and what was chosen and why
    (ranker.json)."""
    params, catalogue = section("ranker", Params), read_catalogue(CATALOGUE)
    short, user_ids = INTERACTIONS.read(CANDIDATES / TRUNCATED), pl.Series(user_ids_of(CANDIDATES))
    left_out = Kept.read(KEPT).retrievers_left_out
    retrievers = tuple(name for name in retrievers_of(CANDIDATES) if name not in left_out)
    outcomes: list[Outcomes] = []
    with tempfile.TemporaryDirectory(prefix="recops-rows-") as scratch:
        with lookup_with_truncated(Project(Path()), catalogue, short, user_ids) as lookup:
            names = feature_names(retrievers, lookup.names)
            file = RowFile(Path(scratch) / "features", len(names))
            for whole in load_parts(CANDIDATES):
                part = masked(whole, left_out)
                file.append(features_of(part.candidates, part.names, part.at, part.asked, lookup))
                outcomes.append(Outcomes.of(part))
        trained = train_ranker(RankerData.of(joined(outcomes), file.rows(), names), params)
    log.info("ranker=%s why=%s", trained.name, trained.figures["why"])
    trained.ranker.save(RANKER)
    learned = {
        "ranker": trained.name,
        "retrievers": list(retrievers),
        "features": list(lookup.names),
        "figures": trained.figures | _sampled(),
    }
    write_text(json.dumps(learned, indent=1, sort_keys=True) + "\n", RANKER / "ranker.json")


def _sampled() -> dict[str, Any]:
    """How many users were sampled at the cutoffs, and of how many; empty where all were used."""
    sample: dict[str, Any] = json.loads((CANDIDATES / SAMPLE).read_text(encoding="utf-8"))
    return {"sample": sample} if sample["n_users"] < sample["n_users_possible"] else {}


if __name__ == "__main__":
    stage(main)
