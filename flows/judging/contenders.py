"""What is evaluated, and on what data: the sealed bundle, the champion, the built-in popular, and the test part."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from features.arrays import Float32, Int32
from features.errors import UserError
from features.params import read_params
from features.positives import Positives
from features.schema import INTERACTIONS, ITEMS, LOG
from features.split import read_cuts
from flows.judging.same_parts import with_same_parts
from flows.project.dataset import Project
from models.data.tables import make_log
from models.data.types import Hits, Log, Queries, Slate
from models.release.bundle import MANIFEST, read_manifest, unseal
from models.retrievers.popular import Popular

if TYPE_CHECKING:
    from models.recommender import Recommender

logger = logging.getLogger(__name__)

OURS = "challenger"
QUERIES_AT_ONCE = 2_000  # whose candidates' features are in memory together


@dataclass(frozen=True)
class Test:
    """Rows before the test part and in it (INTERACTIONS), the item table's ids and tags; cut [µs], None where each
    query has its own instant."""

    history: pl.DataFrame
    part: pl.DataFrame
    items: pl.DataFrame
    cut: int | None


@dataclass(frozen=True)
class Source:
    """What evaluation reads of section `source`: the data's origin, the simulated world's params, the reference."""

    name: str
    reference: str
    simulator: dict[str, Any] | None

    @classmethod
    def read(cls, path: Path) -> Source:
        """From params.yaml."""
        section = read_params(path).get("source") or {}
        return cls(str(section.get("name")), str(section.get("reference", "data/initial")), section.get("simulator"))


@dataclass(frozen=True, kw_only=True)
class Contenders:
    """The recommenders to evaluate, opened once for every protocol.

    champion: None where popular replaces it; champion_name: the hash of its bundle, or "popular" (and after "; " the
    reason); log: the positive rows that the bundle knows; popular: the built-in one, fitted on them.
    """

    challenger: Recommender
    champion: Recommender | None
    champion_name: str
    log: Log
    popular: Popular

    def by_catalogue(self) -> list[dict[str, Recommender]]:
        """Challenger and champion, together where they have one catalogue and so are asked the same queries."""
        if self.champion is None:
            return [{"challenger": self.challenger}]
        if self.champion.catalogue is self.challenger.catalogue:
            return [{"challenger": self.challenger, "champion": self.champion}]
        return [{"challenger": self.challenger}, {"champion": self.champion}]


def read_test(project: Project) -> Test:
    """The test part from data/split and the item table from data/tables.

    Raises:
        UserError: there is nothing to judge on.
    """
    split = project.paths.split
    parts = {name: INTERACTIONS.read(split / f"{name}.parquet") for name in ("train", "valid", "test")}
    cuts = read_cuts(split / "split.json")
    if parts["test"].is_empty():
        raise UserError(
            f"{split / 'test.parquet'}: no row, expected rows after the second cut to judge on; import more data, or "
            "lower split.test_share in params.yaml"
        )
    items = ITEMS.read(project.paths.tables / "items.parquet").select("item_id", "tags")
    cut = cuts.test_cut if cuts.scheme == "global_time" else None
    return Test(pl.concat([parts["train"], parts["valid"]]), parts["test"], items, cut)


def open_contenders(project: Project, bundle: Path, positives: Positives, source: Source) -> Contenders:
    """The bundle, what `champion/` of the reference folder holds, and popular with its own defaults, whatever
    params.yaml says of the retriever.

    Raises:
        BundleError: a file of the bundle or of the champion is missing or altered.
    """
    unseal(bundle)
    challenger = _load(project, bundle)
    champion, name = _champion(project, project.root / source.reference / "champion")
    if champion is not None:
        files = [read_manifest(folder).files for folder in (project.root / source.reference / "champion", bundle)]
        champion = with_same_parts(champion, challenger, *files)
    rows = LOG.read(project.paths.log / "full.parquet")
    log = make_log(rows, challenger.catalogue.vocabulary, positives=positives)
    return Contenders(
        challenger=challenger,
        champion=champion,
        champion_name=name,
        log=log,
        popular=Popular().fit(log, challenger.catalogue),
    )


def _champion(project: Project, folder: Path) -> tuple[Recommender | None, str]:
    """With no manifest in the folder the built-in popular is the champion."""
    if not (folder / MANIFEST).is_file():
        return None, "popular"
    name = unseal(folder).hash
    try:
        return _load(project, folder), name
    except UserError as error:  # made by other code, whose features or parts no longer exist
        logger.warning("champion=%s cannot be run by this code: %s", name[:12], error)
        return None, f"popular; bundle {name[:12]} cannot be run by this code"


def _load(project: Project, bundle: Path) -> Recommender:
    from models.recommender import Recommender
    from models.release.plan import load_catalogue

    return Recommender.load(bundle, project.offline_lookup(load_catalogue(bundle)))


def in_parts(recommenders: Mapping[str, Recommender], queries: Queries, k: int) -> dict[str, tuple[Int32, Float32]]:
    """The lists (n_queries, k) of recommenders of one catalogue, and their scores, in batches of queries.

    The challenger's retrievers are judged by themselves too, as `retriever:NAME`; one that offers no candidates is left
    out.
    """
    from models.together import Together

    parts: dict[str, list[Slate | Hits]] = {}
    for start in range(0, len(queries) or 1, QUERIES_AT_ONCE):
        together = Together(queries.part(start, min(start + QUERIES_AT_ONCE, len(queries))))
        for model, recommender in recommenders.items():
            parts.setdefault(model, []).append(together.recommend(recommender, k))
        for name, retriever in sorted(recommenders[OURS].retrievers.items() if OURS in recommenders else ()):
            hits = together.retrieve(retriever, max(k, recommenders[OURS].k))  # the candidates that were made above
            parts.setdefault(f"retriever:{name}", []).append(Hits(hits.items[:, :k], hits.scores[:, :k]))
    lists = {
        model: (np.concatenate([part.items for part in own]), np.concatenate([part.scores for part in own]))
        for model, own in parts.items()
    }
    return {model: own for model, own in lists.items() if model in recommenders or (own[0] >= 0).any()}
