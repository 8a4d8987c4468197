"""Stage build_features: as-of states of users, items and pairs, checked for leakage."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from features.errors import RefusedError
from features.offline.feature_tables import Params, build_tables, scan
from features.offline.leakage import check_no_leak
from features.params import positives, section
from flows.stages.entry import stage

logger = logging.getLogger(__name__)

PARTS = tuple(Path("data/split") / f"{part}.parquet" for part in ("train", "valid", "test"))
CATALOGUE = Path("data/catalogue/catalogue.parquet")
FEATURES = Path("data/features")


def main() -> None:
    """Reads the split and the catalogue, writes data/features."""
    params = section("build_features", Params)
    rule = positives()
    rows = scan(PARTS, CATALOGUE, rule)
    written = build_tables(rows, FEATURES, rule)
    logger.info(" ".join(f"{name}={n_rows}" for name, n_rows in written.items()))
    try:
        check_no_leak(rows, FEATURES, params.leak_samples, params.seed)
    except RefusedError:
        shutil.rmtree(FEATURES)
        raise


if __name__ == "__main__":
    stage(main)
