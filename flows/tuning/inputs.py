"""Data of a search: the train log, and the queries of valid in chunks of users. Test is never read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.errors import UserError
from features.schema import LOG
from flows.project.dataset import Project
from models.data.queries import part_queries
from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.tables import make_log, read_catalogue, read_friends
from models.data.types import Catalogue, Log
from models.release.bundle import sha256_of
from models.tuning.objective import Chunk, Params, user_chunks

NEEDED = (
    "data/split/train.parquet",
    "data/split/valid.parquet",
    "data/split/split.json",
    "data/log/train.parquet",
    "data/catalogue/catalogue.parquet",
    "data/vectors/vectors.safetensors",
)
RELATIONS = "data/tables/relations.parquet"


@dataclass(frozen=True)
class Valid:
    """The data of a search.

    log, catalogue: the training data of retrievers; chunks: the queries; key: hash of all of it and of the protocol, so
    that a study is never continued on other data.
    """

    log: Log
    catalogue: Catalogue
    chunks: list[Chunk]
    key: str


def check_there(project: Project) -> None:
    """Raises a UserError where files that `recops run` writes are missing."""
    missing = [name for name in NEEDED if not (project.root / name).is_file()]
    if missing:
        raise UserError(
            f"{project.root}: no {', '.join(missing)}; a search needs the split, the catalogue and its vectors; run "
            "`recops run`, or as much of it as `recops run --until embed`"
        )


def read_valid(project: Project, params: Params) -> Valid:
    """Train and valid as the last `recops run` left them.

    Raises:
        UserError: it never ran, the split has no cut in time for `rolling`, or there is nobody to ask.
    """
    check_there(project)
    train, valid = (project.part(part) for part in ("train", "valid"))
    catalogue = read_catalogue(project.paths.catalogue, project.paths.vectors)
    rule = project.positives()
    log = make_log(
        LOG.read(project.paths.log / "train.parquet"),
        catalogue.vocabulary,
        positives=rule,
        friends=read_friends(project.paths.relations),
    )
    cuts = project.cuts()
    in_time = cuts.scheme == "global_time"
    if params.horizon == "rolling" and not in_time:
        raise UserError(
            f"--horizon rolling needs a split by time; split.json says '{cuts.scheme}': use --horizon frozen"
        )
    wanted = valid.filter(rule.where())
    if params.horizon == "rolling":
        wanted = rolling_events(train, valid, n_events=params.rolling_events, seed=params.seed, positives=rule)
    chunks = []
    for users in user_chunks(wanted.get_column("user_id").to_list(), params.chunks, params.seed):
        theirs = wanted.filter(pl.col("user_id").is_in(users))
        if params.horizon == "rolling":
            batch = rolling_queries(theirs, train, valid, catalogue.vocabulary, positives=rule)
        else:
            cut = cuts.valid_cut if in_time else None
            batch = part_queries(
                train, theirs, catalogue.vocabulary, cut, availability=catalogue.availability, positives=rule
            )
        chunks.append(Chunk(*batch))
    chunks = [chunk for chunk in chunks if chunk.counted.any()]
    if not chunks:
        raise UserError(
            f"{project.paths.split / 'valid.parquet'}: no user with a history in train who chose something new; "
            "import more data, or lower split.valid_share in params.yaml"
        )
    return Valid(log, catalogue, chunks, _key(project, params, rule.targets))


def _key(project: Project, params: Params, targets: list[str] | None) -> str:
    files: Mapping[str, str | None] = {
        name: sha256_of(project.root / name) if (project.root / name).is_file() else None
        for name in (*NEEDED, RELATIONS)
    }
    questions = params.model_dump(mode="json", include={"horizon", "rolling_events", "chunks", "seed"})
    content = {"files": files, "asked": questions, "targets": targets}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
