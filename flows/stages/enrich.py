"""Stage enrich: texts of items and users, from answers where there are valid ones, else from local methods."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from features.files import write_text
from features.params import positives, section
from features.schema import CATALOGUE, LOG
from flows.stages.entry import stage
from models.language.tasks import TASKS
from models.language.writing.answers import read_answers
from models.language.writing.asking_params import Params
from models.language.writing.enriched import ENRICHED_ITEMS, ENRICHED_USERS, items_table, report, users_table
from models.language.writing.enriching import Known, enrich_part, load_task
from models.language.writing.material import make_material

CATALOGUE_TABLE = Path("data/catalogue/catalogue.parquet")
LOGS = Path("data/log")
ENRICHED = Path("data/enriched")
REPORT = Path("data/reports/language.json")

log = logging.getLogger(__name__)


def main() -> None:
    """Catalogue, logs and answers → data/enriched, data/reports/language.json; asks nobody."""
    params = section("language", Params)
    logs = {part: LOG.read(LOGS / f"{part}.parquet") for part in ("train", "full")}
    catalogue = CATALOGUE.read(CATALOGUE_TABLE)
    material = make_material(catalogue, logs["train"], logs["full"], positives(), params.n_keywords)
    answers = read_answers(Path(params.answers))
    known = Known(answers)
    parts = {name: enrich_part(load_task(name), material, params, known) for name in TASKS}
    for name, part in parts.items():
        log.info("part=%s n_subjects=%d n_asked=%d", name, len(part.subjects), sum(part.asked))
    ENRICHED_ITEMS.write(items_table(parts), ENRICHED / "items.parquet")
    ENRICHED_USERS.write(users_table(parts["profile"]), ENRICHED / "users.parquet")
    write_text(json.dumps(report(parts, answers, params.model), indent=1, sort_keys=True) + "\n", REPORT)


if __name__ == "__main__":
    stage(main)
