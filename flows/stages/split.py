"""Stage split: the interactions in three parts, by time or leave-last-out."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from features.files import write_text
from features.params import positives, section
from features.schema import INTERACTIONS
from features.split import Params, split
from flows.stages.entry import stage

TABLES = Path("data/tables")
SPLIT = Path("data/split")

log = logging.getLogger(__name__)


def main() -> None:
    """Reads interactions.parquet and source.json, writes train, valid, test and split.json."""
    source = json.loads((TABLES / "source.json").read_text(encoding="utf-8"))
    parts = split(
        INTERACTIONS.read(TABLES / "interactions.parquet"),
        section("split", Params),
        bool(source["artificial_time"]),
        positives(),
    )
    INTERACTIONS.write(parts.train, SPLIT / "train.parquet")
    INTERACTIONS.write(parts.valid, SPLIT / "valid.parquet")
    INTERACTIONS.write(parts.test, SPLIT / "test.parquet")
    summary = parts.summary()
    write_text(json.dumps(summary, indent=2, sort_keys=True) + "\n", SPLIT / "split.json")
    if parts.cuts.leaky:
        log.warning("scheme=%s: %s", parts.cuts.scheme, parts.cuts.why)
    log.info("scheme=%s n_rows=%s", parts.cuts.scheme, summary["n_rows"])


if __name__ == "__main__":
    stage(main)
