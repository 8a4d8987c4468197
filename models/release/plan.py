"""Plan: what a bundle's recommender consists of, how its parts are put together and read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from features.errors import UserError
from features.positives import DEFAULT_POSITIVES, Positives
from models.data.saved_params import read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.tables import FURTHER, TIMES, WORD_PARTS, WORDS, read_catalogue
from models.data.types import Catalogue
from models.exploration import ExploreParams
from models.registry import load_part

PLAN = "recommender.json"


class Plan(BaseModel):
    """What a bundle's recommender consists of."""

    model_config = ConfigDict(extra="forbid")

    retrievers: list[str]
    """Names, in the order of the ranker's columns."""
    k: int
    """Candidates of each retriever."""
    ranker: str
    """The ranker that earned its place."""
    features: list[str]
    """Names that the feature lookup must give, in order."""
    reranker: str
    """Its name."""
    reranker_params: dict[str, float | int]
    """Its params."""
    explore: ExploreParams = ExploreParams()
    """Places that are drawn."""
    targets: list[str] | None = None
    """Kinds of events that make up a history; null: the usual ones (features/positives.py)."""


def read_part(kind: str, name: str, folder: Path) -> Any:
    """A retriever or ranker of a bundle.

    Raises:
        UserError: its files are not those that this code writes.
    """
    try:
        return load_part(kind, name).load(folder)
    except (OSError, ValueError, KeyError) as error:
        cause = " ".join(str(error).split())
        raise UserError(
            f"{folder}: the {kind} '{name}' was saved by other code, which this code cannot read ({cause}); serve the "
            "bundle with the code that made it, or make one with `recops run`"
        ) from error


def read_plan(folder: Path) -> Plan:
    """What a bundle's recommender consists of."""
    path = folder / PLAN
    if not path.is_file():
        raise UserError(f"bundle {folder}: no {PLAN}; make one with `recops run` (or name another folder)")
    return read_params(path, "reranker", Plan)


def load_catalogue(folder: Path) -> Catalogue:
    """The catalogue of a bundle folder, with its text vectors."""
    return read_catalogue(folder / "catalogue", folder / "vectors")


def assemble(
    target: Path,
    *,
    retrievers: Path,
    ranker: Path,
    catalogue: Path,
    vectors: Path,
    encoders_left_out: Collection[str] = (),
    k: int,
    reranker: str,
    reranker_params: BaseModel,
    explore: ExploreParams | None = None,
    positives: Positives = DEFAULT_POSITIVES,
) -> Plan:
    """Copies the parts into an empty `target` and writes its plan; the caller seals the bundle after the last file.

    retrievers: folder with one folder a retriever; ranker: output of `train_ranker` (ranker.json names it);
    catalogue: folder with catalogue.parquet; vectors: folder with vectors.safetensors; encoders_left_out: whose vectors
    are not copied, except those of the text, which other parts read too.

    Raises:
        UserError: the ranker was trained on other retrievers.
    """
    learned = json.loads((ranker / "ranker.json").read_text(encoding="utf-8"))
    names = list(learned["retrievers"])
    missing = [name for name in names if not (retrievers / name).is_dir()]
    if missing:
        raise UserError(
            f"{retrievers} lacks {missing}, on which the ranker of {ranker} was trained; run `dvc repro train_ranker`"
        )
    plan = Plan(
        retrievers=names,
        k=k,
        ranker=learned["ranker"],
        features=learned["features"],
        reranker=reranker,
        reranker_params=reranker_params.model_dump(),
        explore=explore or ExploreParams(),
        targets=positives.targets,
    )
    for name in names:
        shutil.copytree(retrievers / name, target / "retrievers" / name)
    shutil.copytree(ranker, target / "ranker")
    for source, file in ((catalogue, "catalogue.parquet"), (vectors, "vectors.safetensors")):
        (target / source.name).mkdir(parents=True)
        shutil.copyfile(source / file, target / source.name / file)
    if (vectors / FURTHER).is_file():
        _copy_further(vectors / FURTHER, target / vectors.name / FURTHER, encoders_left_out)
    if (vectors / WORDS).is_dir() and WORDS not in encoders_left_out:
        shutil.copytree(vectors / WORDS, target / vectors.name / WORDS)
    if (catalogue / TIMES).is_file():
        shutil.copyfile(catalogue / TIMES, target / catalogue.name / TIMES)
    write_params(plan, target / PLAN)
    return plan


def _copy_further(source: Path, target: Path, left_out: Collection[str]) -> None:
    """The vectors of further encoders but some; without words none of their parts either."""
    dropped = {*left_out, *([WORD_PARTS] if WORDS in left_out else [])}
    arrays = read_arrays(source)
    if dropped.isdisjoint(arrays):
        shutil.copyfile(source, target)
    else:
        write_arrays({name: rows for name, rows in arrays.items() if name not in dropped}, target)
