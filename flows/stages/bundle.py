"""Stage bundle: puts the parts of one recommender into a folder and seals it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from features.aggregates import STATS, state_columns
from features.params import parse, positives, read_params, section
from flows.stages.entry import stage
from models.bundle import combined_hash, seal, sha256_of, sha256_of_files
from models.exploration import ExploreParams
from models.parts import load_reranker
from models.recommender import assemble
from models.retrieval import Params as RetrieveParams

BUNDLE = Path("data/bundle")
# sections that a bundle depends on; the judging of it, and where the data came from, are told elsewhere
SECTIONS = ("split", "clean", "build_features", "embed", "retrievers", "retrieve", "ranker", "reranker")


def main() -> None:
    """data/{retrievers/full,ranker,catalogue,vectors} → data/bundle with its manifest."""
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
        k=section("retrieve", RetrieveParams).k,
        reranker=name,
        reranker_params=parse("reranker", chosen, load_reranker(name).Params),
        explore=parse("reranker.explore", explored, ExploreParams),
        positives=positives(),
    )
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


def params_hash(params: dict[str, Any]) -> str:
    """sha256 over the sections that a bundle depends on, whatever their order in the file."""
    kept = {name: params.get(name) for name in SECTIONS}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def code_version(root: Path) -> str:
    """sha256 over the code that dvc.yaml lists for this stage: what loads and runs a bundle; no git needed."""
    listed = read_params(root / "dvc.yaml")["stages"]["bundle"]["deps"]
    files: dict[str, str] = {}
    for dep in listed:
        if dep.startswith(("features/", "models/")):
            found = [root / dep] if (root / dep).is_file() else sorted((root / dep).glob("*.py"))
            files |= {path.relative_to(root).as_posix(): sha256_of(path) for path in found}
    return combined_hash(files)


if __name__ == "__main__":
    stage(main)
