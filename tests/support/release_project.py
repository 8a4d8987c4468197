"""A hand-made project that a release can be made of: a few rows, a sealed bundle, the gate's word; no stage is run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from features.offline.feature_tables import build_tables, scan
from features.positives import DEFAULT_POSITIVES
from features.schema import CATALOGUE, INTERACTIONS
from models.release.bundle import Manifest, combined_hash, seal, sha256_of_files

START = datetime(2026, 1, 1, tzinfo=UTC)
VALID_CUT = START + timedelta(hours=4)
TEST_CUT = START + timedelta(hours=7)


def make_project(root: Path, *, weights: str = "one", promote: bool = True, events_through: int = 0) -> Manifest:
    """Writes the project (again); other `weights` are another bundle of the same data."""
    rows = [(f"u{n % 3}", f"i{n % 4}", START + timedelta(hours=n), "click", None) for n in range(10)]
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp", "event", "value"], orient="row")
    frame = frame.with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")), pl.col("value").cast(pl.Float64))
    frame = frame.with_columns(known_at="timestamp").select(list(INTERACTIONS.columns))
    parts = {"train": frame[:5], "valid": frame[5:8], "test": frame[8:]}
    for name, part in parts.items():
        INTERACTIONS.write(part, root / "data" / "split" / f"{name}.parquet")
    cuts = {"scheme": "global_time", "valid_cut": VALID_CUT.isoformat(), "test_cut": TEST_CUT.isoformat()}
    cuts |= {"leaky": False, "why": "", "artificial_time": False}
    (root / "data" / "split" / "split.json").write_text(json.dumps(cuts))

    empty = {name: kind for name, kind in CATALOGUE.columns.items() if name != "item_id"}
    catalogue = pl.DataFrame({"item_id": [f"i{n}" for n in range(4)]}).with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in empty.items()
    )
    CATALOGUE.write(catalogue, root / "data" / "catalogue" / "catalogue.parquet")
    paths = [root / "data" / "split" / f"{name}.parquet" for name in parts]
    rows_of = scan(paths, root / "data" / "catalogue" / "catalogue.parquet", DEFAULT_POSITIVES)
    build_tables(rows_of, root / "data" / "features", DEFAULT_POSITIVES)

    bundle = root / "data" / "bundle"
    (bundle / "manifest.json").unlink(missing_ok=True)
    CATALOGUE.write(catalogue, bundle / "catalogue" / "catalogue.parquet")
    (bundle / "weights.txt").write_text(weights)
    manifest = seal(
        bundle,
        features=["a"],
        data_hash=combined_hash(sha256_of_files(root / "data" / "split")),
        params_hash="p",
        code_version="c",
    )
    _write_json(root / "data" / "tables" / "source.json", {"source": "csv", "events_through": events_through})
    _write_json(root / "data" / "profile.json", {"n_rows": 10})
    judge(root, manifest.hash, promote=promote)
    _write_json(root / "data" / "reports" / "metrics.json", {"models": {"challenger": {"ndcg@10": 0.5}}})
    (root / "params.yaml").write_text("source: {name: csv, line: abc}\n")
    (root / "dvc.yaml").write_text("stages: {}\n")
    return manifest


def judge(root: Path, bundle_hash: str, *, promote: bool) -> None:
    """The gate's word on a bundle."""
    decision = {"promote": promote, "reasons": ["ndcg@10 is worse."], "bundle_hash": bundle_hash}
    _write_json(root / "data" / "reports" / "decision.json", decision)


def _write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
