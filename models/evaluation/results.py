"""An evaluation as files: what `evaluate` leaves for `decide`, for reports and for looking closer."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import UserError
from features.files import write_text
from features.table import Table, type_of_time, write_parquet
from models.evaluation.evaluate import Evaluation
from models.evaluation.left_out import LeftOut

RECOMMENDATIONS = Table(
    "recommendations",
    {
        "query_id": pl.String,
        "user_id": pl.String,
        "item_id": pl.String,
        "rank": pl.Int64,
        "score": pl.Float64,
    },
    key=("query_id", "item_id"),
    required=("query_id", "user_id", "item_id", "rank", "score"),
)
# one row a recommended item of an event of the test part that was asked for with all that preceded it
ROLLING = Table(
    "rolling",
    {
        "query_id": pl.String,
        "user_id": pl.String,
        "timestamp": type_of_time,
        "target_item_id": pl.String,
        "item_id": pl.String,
        "rank": pl.Int64,
    },
    key=("query_id", "item_id"),
    required=("query_id", "user_id", "timestamp", "target_item_id", "item_id", "rank"),
)
ROLLING_FIGURES = "rolling_figures.parquet"  # where the split has a cut in time
LEARNING_CURVE = "learning_curve.csv"  # among the plots
EXAMPLES = "examples.json"
FRAMES = ("per_query", "summary", "differences", "curves")


def save(
    evaluation: Evaluation,
    champion: str,
    folder: Path,
    *,
    bundle_hash: str,
    choices: LeftOut | None = None,
    release: str | None = None,
) -> None:
    """Writes the evaluation; champion: the hash of its bundle, or "popular"; release: the live release;
    bundle_hash: of the judged bundle; choices: which of the test part were not judged."""
    for name in FRAMES:
        write_parquet(getattr(evaluation, name), folder / f"{name}.parquet")
    judged: dict[str, Any] = {"bundle_hash": bundle_hash, "champion": champion, "models": list(evaluation.models)}
    judged["live_release"] = release
    judged["left_out"] = asdict(choices) if choices is not None else None
    if evaluation.sampled_from is not None:
        judged["sampled_from"] = evaluation.sampled_from
    write_text(json.dumps(judged, indent=1, sort_keys=True) + "\n", folder / "judged.json")


def load(folder: Path) -> tuple[Evaluation, str]:
    """The evaluation as saved, and its champion.

    Raises:
        UserError: there is none.
    """
    path = folder / "judged.json"
    if not path.is_file():
        raise UserError(f"no file {path}; judge a bundle first: `recops run`, or name one with --bundle")
    judged = json.loads(path.read_text(encoding="utf-8"))
    frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in FRAMES}
    return Evaluation(models=tuple(judged["models"]), **frames, sampled_from=judged.get("sampled_from")), str(
        judged["champion"]
    )


def champion_name(champion: str) -> str:
    """How a verdict calls the champion: `popular` stands in where none can be run, and the verdict says so."""
    if not champion.startswith("popular"):
        return "the champion"
    _, _, why = champion.partition("; ")
    return f"the built-in popular{f' ({why})' if why else ''}"
