"""Tables for `dvc plots`, one for each plot; dvc.yaml and .dvc/plots define how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from models.evaluation.evaluate import HEADLINE, HISTORY_SIZES, SLICES, Evaluation, history_slice


def plot_tables(evaluation: Evaluation, metrics: Sequence[str]) -> dict[str, pl.DataFrame]:
    """File name → table: metrics of the models and of the slices, recall by length of list, cold start."""
    primary = metrics[0]
    chosen = evaluation.summary.filter(pl.col("metric") == primary).with_columns(
        pl.col("value", "low", "high").round(6)
    )
    figure = ("n_queries", pl.col("value").alias(primary), "low", "high")
    order = pl.DataFrame({"slice": list(SLICES), "slice_order": range(len(SLICES))})
    slices = (
        chosen.filter(pl.col("model").is_in([evaluation.models[0], "champion", "popular"]))
        .join(order, on="slice")
        .sort("slice_order", "model")
    )
    recall = evaluation.curves.select(pl.col("model").alias("series"), "k", pl.col("recall").round(6))
    history_slices = pl.DataFrame({"slice": [history_slice(n) for n in HISTORY_SIZES], "n_history": HISTORY_SIZES})
    cold_start = chosen.join(history_slices, on="slice").sort("model", "n_history")
    return {
        "cold_start.csv": cold_start.select(pl.col("model").alias("series"), "n_history", "value"),
        "models.csv": chosen.filter(slice=HEADLINE).sort("model").select("slice", "model", *figure),
        "slices.csv": slices.select("slice", "model", *figure),
        "recall_at_k.csv": recall.sort("series", "k"),
    }


def history(past: pl.DataFrame, present: Mapping[str, float]) -> pl.DataFrame:
    """Metric history: one row for each release that was live (oldest first) and metric, then the model judged now.

    past: release and any metric columns; present: metric → value of the model judged now.
    """
    rows = [*past.iter_rows(named=True), {"release": "judged now", **present}]
    long = [
        {"number": number, "release": str(row["release"]), "series": metric, "value": round(float(row[metric]), 6)}
        for number, row in enumerate(rows, start=1)
        for metric in present
        if row.get(metric) is not None
    ]
    schema = {"number": pl.Int64, "release": pl.String, "series": pl.String, "value": pl.Float64}
    return pl.DataFrame(long, schema=schema)


def learning_curve(points: Sequence[Sequence[float]]) -> pl.DataFrame:
    """NDCG of the ranker on held-out users by its number of trees; points: (n_trees, value)."""
    schema = {"n_trees": pl.Int64, "value": pl.Float64}
    rows = [(int(n_trees), float(value)) for n_trees, value in points]
    curve = pl.DataFrame(rows, schema=schema, orient="row")
    return curve.select(pl.lit("held-out users").alias("series"), "n_trees", "value")


def write(tables: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Writes each table as csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in sorted(tables.items()):
        table.write_csv(folder / name)
