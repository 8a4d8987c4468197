"""Stage clean: training logs with trust weights as known at each cutoff, and the catalogue."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import polars as pl

from features.catalogue_changes.joining import AVAILABILITY, availability
from features.cleaning.catalogue import build_catalogue
from features.cleaning.interactions import TRUST_COLUMNS, Params, clean_log
from features.cleaning.item_numbers import item_numbers
from features.files import write_text
from features.params import section
from features.schema import CATALOGUE, INTERACTIONS, ITEMS, LOG
from features.split import read_cuts
from features.table import write_parquet
from flows.stages.entry import stage

SPLIT = Path("data/split")
ITEMS_TABLE = Path("data/tables/items.parquet")
LOGS = Path("data/log")
CATALOGUE_TABLE = Path("data/catalogue/catalogue.parquet")
AVAILABILITY_TABLE = Path("data/catalogue/availability.parquet")  # only where an item is not offered all the time
NUMBERS_TABLE = Path("data/catalogue/numbers.parquet")  # only where items have further numeric columns
REPORT = Path("data/reports/cleaning.json")

log = logging.getLogger(__name__)


def main() -> None:
    """Reads train and valid; writes the train log (as of the first cut) and the full one (as of the second)."""
    params = section("clean", Params)
    cuts = read_cuts(SPLIT / "split.json")
    by_time = cuts.scheme == "global_time"
    train = INTERACTIONS.read(SPLIT / "train.parquet")
    full = pl.concat([train, INTERACTIONS.read(SPLIT / "valid.parquet")]).sort("timestamp", maintain_order=True)
    report = {}
    trusts = []
    for part, rows, cut in (("train", train, cuts.valid_cut), ("full", full, cuts.test_cut)):
        cleaned, reasons, report[part] = clean_log(
            rows, params, at=cut if by_time else None, artificial_time=cuts.artificial_time
        )
        LOG.write(cleaned, LOGS / f"{part}.parquet")
        trusts.append(reasons.select(pl.lit(part).alias("part"), *reasons.columns).cast(TRUST_COLUMNS))
        log.info("part=%s n_rows=%d n_distrusted=%d", part, cleaned.height, report[part]["n_distrusted_rows"])
    write_parquet(pl.concat(trusts), LOGS / "trust.parquet")
    items = ITEMS.read(ITEMS_TABLE)
    catalogue, report["catalogue"] = build_catalogue(items, full, category_from_tags=params.category_from_tags)
    CATALOGUE.write(catalogue, CATALOGUE_TABLE)
    times = availability(items, catalogue)
    AVAILABILITY_TABLE.unlink(missing_ok=True)
    if times.height:
        AVAILABILITY.write(times, AVAILABILITY_TABLE)
    numbers = item_numbers(items, catalogue)
    NUMBERS_TABLE.unlink(missing_ok=True)
    if numbers is not None:
        write_parquet(numbers, NUMBERS_TABLE)
    write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", REPORT)


if __name__ == "__main__":
    stage(main)
