"""Rating prediction, `recops evaluate --task rating`: every rater of params.yaml fitted, blended and judged.

Its stages stand outside the DAG: neither `recops run` nor `dvc repro` has to wait for raters that no slate needs. Each
rater's answers are kept under data/ratings with a key of what they depend on (params, data, code), so that a second
call only prints, and a changed section refits one rater.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.cleaning.catalogue import build_catalogue
from features.errors import UserError
from features.files import write_text
from features.schema import INTERACTIONS, ITEMS
from features.split import Params as SplitParams
from features.split import split as split_table
from features.table import write_parquet
from flows.project.dataset import Project
from flows.rating.cache import answers
from models.data.tables import make_catalogue, read_catalogue
from models.data.types import Catalogue, Ratings
from models.evaluation.rating_accuracy import Predicted, judge_ratings
from models.interfaces import Rater
from models.rating.blend import Blend, BlendParams
from models.rating.ratings import SCHEMES, RatingSplit, Scheme, make_ratings, split_ratings
from models.registry import make
from models.release.bundle import sha256_of
from models.reports.rating_table import ratings_dict, ratings_text

ITEM_TABLE = Path("data/tables/items.parquet")


def rating_catalogue(project: Project, rows: pl.DataFrame) -> Catalogue:
    """Items of the tables and of all rows: unlike the bundle's, it also knows items that only test has.

    rows: INTERACTIONS. An item without a vector gets zeros; with no vectors at all they are None.
    """
    catalogue = make_catalogue(build_catalogue(ITEMS.read(project.root / ITEM_TABLE), rows)[0])
    made = (project.paths.catalogue / "catalogue.parquet", project.paths.vectors / "vectors.safetensors")
    if not all(path.is_file() for path in made):
        return catalogue
    bundle_catalogue = read_catalogue(project.paths.catalogue, project.paths.vectors)
    if bundle_catalogue.vectors is None or len(bundle_catalogue.vectors) != bundle_catalogue.n_items:
        return catalogue
    places = bundle_catalogue.vocabulary.positions(catalogue.vocabulary.item_ids)
    vectors = np.where(places[:, None] >= 0, bundle_catalogue.vectors[places], np.float32(0.0))
    return replace(catalogue, vectors=vectors)


INPUTS = (
    "data/tables/interactions.parquet",
    "data/tables/items.parquet",
    "data/catalogue/catalogue.parquet",
    "data/vectors/vectors.safetensors",
)
logger = logging.getLogger(__name__)


class RatingParams(BaseModel):
    """Section `rating`: what is predicted and how it is judged."""

    model_config = ConfigDict(extra="forbid")

    splits: list[Scheme] = Field(default=list(SCHEMES), min_length=1)
    """`random`: rows held out at random, as in papers, which leaks the future into training; `global_time`: the cuts
    of section `split`, what users will see."""
    held_out: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the rows that the random split keeps for test, and of the rest for choosing the blend."""
    seed: int = Field(default=0, ge=0)
    """Seed of the random split."""
    least_value: float | None = None
    """Ratings below it are left out before the split; null: none."""
    bootstrap: int = Field(default=1000, ge=1)
    """Resamples of users for the intervals; more steadies their last digit."""
    blend: BlendParams = BlendParams()


def evaluate_ratings(project: Project) -> str:
    """The tables of all splits as text; also data/ratings/report.json and, for each split, predictions.parquet.

    Raises:
        UserError: there are no ratings, no raters, or params that do not fit.
    """
    params = project.section("rating", RatingParams, optional=True)
    raters = raters_in_use(project)
    rows = INTERACTIONS.read(project.paths.tables / "interactions.parquet")
    catalogue = rating_catalogue(project, rows)
    ratings = make_ratings(rows, catalogue.vocabulary, least_value=params.least_value)
    data = {name: sha256_of(project.root / name) if (project.root / name).is_file() else None for name in INPUTS}
    texts, reports = [], {}
    for scheme in params.splits:
        if scheme == "global_time" and _artificial_time(project):
            texts.append(
                "global_time: the data has no times, only an order of rows; a cut in time would have no meaning"
            )
            continue
        parts = _split(project, rows, ratings, scheme, params)
        key = {"data": data, "split": [scheme, params.seed, params.held_out, params.least_value, _sizes(parts)]}
        text, reports[scheme] = _judge(project.paths.ratings / scheme, parts, catalogue, raters, params, key)
        texts.append(text)
    write_text(json.dumps(reports, indent=1, sort_keys=True) + "\n", project.paths.ratings / "report.json")
    return "\n\n".join(texts)


def raters_in_use(project: Project) -> dict[str, Rater]:
    """The raters in use, with their params."""
    sections = project.params().get("raters") or {}
    if not sections:
        raise UserError("params.yaml: section 'raters' names no rater; add one, e.g. `raters: {biases: {}}`")
    return {name: make("rater", name, values) for name, values in sections.items()}


def _split(project: Project, rows: pl.DataFrame, ratings: Ratings, scheme: Scheme, params: RatingParams) -> RatingSplit:
    cuts = None
    if scheme == "global_time":
        wanted = project.section("split", SplitParams).model_copy(update={"scheme": "global_time"})
        instants = split_table(rows, wanted).cuts
        cuts = (instants.valid_cut, instants.test_cut)
    return split_ratings(ratings, scheme, seed=params.seed, held_out=params.held_out, cuts=cuts)


def _judge(
    folder: Path,
    parts: RatingSplit,
    catalogue: Catalogue,
    raters: Mapping[str, Rater],
    params: RatingParams,
    key: Mapping[str, Any],
) -> tuple[str, dict[str, Any]]:
    """One split: answers of all raters, the blend of them, the report."""
    valid, test = {}, {}
    low, high = float(parts.trainval.values.min()), float(parts.trainval.values.max())
    for number, (name, rater) in enumerate(raters.items(), start=1):
        step = f"{folder.name}: {number}/{len(raters)} {name}"
        valid[name], test[name] = answers(folder, name, rater, parts, catalogue, key, (low, high), step)
    weights: dict[str, float] = {}
    if len(raters) > 1:
        blend = Blend(params.blend).fit(_columns(valid), parts.valid.values)
        assert blend.weights_ is not None
        weights = dict(zip(raters, (round(float(weight), 4) for weight in blend.weights_), strict=True))
        mixed = [np.clip(blend.predict(_columns(part)), low, high) for part in (valid, test)]
        test["blend"] = Predicted(mixed[1], _deviations(valid, test, mixed[0] - parts.valid.values))
    levels = np.unique(parts.trainval.values)
    judged = judge_ratings(parts.test, test, levels, n_resamples=params.bootstrap)
    write_parquet(_table(parts.test, catalogue, test), folder / "predictions.parquet")
    head = f"{folder.name}: {len(parts.test):,} ratings of test, {len(parts.trainval):,} to learn from"
    tail = "blend: " + ", ".join(f"{name} {weight:g}" for name, weight in weights.items()) if weights else ""
    report = {"sizes": _sizes(parts), "raters": ratings_dict(judged), "blend": weights}
    return "\n".join(filter(None, [head, ratings_text(judged), tail])), report


def _deviations(valid: Mapping[str, Predicted], test: Mapping[str, Predicted], errors: np.ndarray[Any, Any]) -> Any:
    """The blend's uncertainty: that of its first rater that has one, calibrated on valid; None without one."""
    for name, answer in valid.items():
        deviations = test[name].deviations
        if answer.deviations is not None and deviations is not None:
            scale = np.sqrt(np.mean((errors / answer.deviations) ** 2))
            return (deviations * scale).astype(np.float32)
    return None


def _columns(answers: Mapping[str, Predicted]) -> Any:
    return np.column_stack([answer.values for answer in answers.values()])


def _table(test: Ratings, catalogue: Catalogue, answers: Mapping[str, Predicted]) -> pl.DataFrame:
    """The rows of test in the order of the split with every rater's prediction."""
    user_ids = pl.Series(test.user_ids.tolist(), dtype=pl.String)
    item_ids = pl.Series(catalogue.vocabulary.item_ids, dtype=pl.String)
    return pl.DataFrame(
        {
            "user_id": user_ids.gather(test.users),
            "item_id": item_ids.gather(test.items),
            "timestamp": pl.Series(test.times).cast(pl.Datetime("us", "UTC")),
            "value": test.values,
            **{name: answer.values for name, answer in answers.items()},
        }
    )


def _sizes(parts: RatingSplit) -> dict[str, int]:
    return {name: len(part) for name, part in parts.parts().items()}


def _artificial_time(project: Project) -> bool:
    path = project.paths.tables / "source.json"
    return path.is_file() and bool(json.loads(path.read_text(encoding="utf-8")).get("artificial_time"))
