"""Stage bundle: puts the parts of one recommender into a folder and seals it."""

from __future__ import annotations

import shutil
from pathlib import Path

from features.params import parse, positives, read_params, section
from features.states.aggregates import STATS, state_columns
from flows.project.fingerprints import code_version, params_hash
from flows.stages.entry import stage
from models.ablation.kept import Kept
from models.exploration import ExploreParams
from models.registry import load_reranker
from models.release.bundle import combined_hash, seal, sha256_of_files
from models.release.plan import assemble
from models.retrieval.candidates import Params as RetrieveParams

BUNDLE = Path("data/bundle")
KEPT = Path("data/language/kept.json")
NUMBERS = Path("data/catalogue/numbers.parquet")  # only where items have further numeric columns


def main() -> None:
    """data/{retrievers/full,ranker,catalogue,vectors}, but what `ablate` left out → data/bundle with its manifest."""
    params = read_params()
    chosen = dict(params.get("reranker") or {})
    name, explored = str(chosen.pop("name", "mmr")), chosen.pop("explore", None)
    shutil.rmtree(BUNDLE, ignore_errors=True)
    BUNDLE.mkdir(parents=True)
    assemble(
        BUNDLE,
        retrievers=Path("data/retrievers/full"),
        ranker=Path("data/ranker"),
        catalogue=Path("data/catalogue"),
        vectors=Path("data/vectors"),
        encoders_left_out=Kept.read(KEPT).vectors_left_out,
        k=section("retrieve", RetrieveParams).k,
        reranker=name,
        reranker_params=parse("reranker", chosen, load_reranker(name).Params),
        explore=parse("reranker.explore", explored, ExploreParams),
        positives=positives(),
    )
    if NUMBERS.is_file():
        shutil.copyfile(NUMBERS, BUNDLE / "catalogue" / NUMBERS.name)
    seal(
        BUNDLE,
        features=feature_references(),
        data_hash=combined_hash(sha256_of_files(Path("data/split"))),
        params_hash=params_hash(params),
        code_version=code_version(Path()),
    )


def feature_references() -> list[str]:
    """`view:feature` of everything that the Feast feature service gives."""
    return [f"{name}:{column}" for name, table in STATS.items() for column in state_columns(table)]


if __name__ == "__main__":
    stage(main)
