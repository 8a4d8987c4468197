"""Stage build_features: as-of states of users, items and pairs, checked for knowledge from the future."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from features.building import Params, build_tables, scan
from features.errors import RefusedError
from features.leak import check_no_leak
from features.params import read_params, section
from features.schema import NOT_POSITIVE
from flows.stages.entry import stage

logger = logging.getLogger(__name__)

PARTS = tuple(Path("data/split") / f"{part}.parquet" for part in ("train", "valid", "test"))
CATALOGUE = Path("data/catalogue/catalogue.parquet")
FEATURES = Path("data/features")


def main() -> None:
    """Reads the split and the catalogue, writes data/features."""
    params = section("build_features", Params)
    not_positive = read_params().get("evaluate", {}).get("not_targets", list(NOT_POSITIVE))
    rows = scan(PARTS, CATALOGUE, not_positive)
    written = build_tables(rows, FEATURES, not_positive)
    logger.info(" ".join(f"{name}={n_rows}" for name, n_rows in written.items()))
    try:
        check_no_leak(rows, FEATURES, params.leak_samples, params.seed)
    except RefusedError:
        shutil.rmtree(FEATURES)
        raise


if __name__ == "__main__":
    stage(main)
