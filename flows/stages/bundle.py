"""Stage bundle: puts the parts of one recommender into a folder and seals it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from features.aggregates import STATS, state_columns
from features.params import parse, read_params, section
from flows.stages.entry import stage
from models.bundle import combined_hash, seal, sha256_of, sha256_of_files
from models.parts import load_reranker
from models.recommender import assemble

BUNDLE = Path("data/bundle")
# what a bundle depends on: the judging of it, and where the data came from, are told elsewhere
NOT_OF_THE_BUNDLE = ("source", "evaluate", "decide", "validate")


class RetrieveParams(BaseModel):
    """Section `retrieve` of params.yaml."""

    model_config = ConfigDict(extra="ignore")

    k: int = Field(100, ge=1)
    """Candidates of each retriever."""


def main() -> None:
    """data/{retrievers/full,ranker,catalogue,vectors} → data/bundle with its manifest."""
    params = read_params()
    chosen = dict(params.get("reranker") or {})
    name = str(chosen.pop("name", "mmr"))
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
        not_positive=sorted((params.get("evaluate") or {}).get("not_targets") or []),
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
    kept = {name: value for name, value in params.items() if name not in NOT_OF_THE_BUNDLE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def code_version(root: Path) -> str:
    """sha256 over the code that makes and runs a bundle: the same in every clone of a commit, no git needed."""
    files = [path for package in ("features", "models") for path in sorted((root / package).rglob("*.py"))]
    return combined_hash({path.relative_to(root).as_posix(): sha256_of(path) for path in files})


if __name__ == "__main__":
    stage(main)
