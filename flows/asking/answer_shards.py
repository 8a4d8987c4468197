"""data/answers: the ledger's rows as parquet, one file a part, under DVC, so that `dvc push` shares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from features.files import write_text
from features.params import PROFILES
from features.settings import Settings
from features.table import write_parquet
from flows.project.dataset import Project
from flows.project.params_file import edited, read_text
from flows.project.under_dvc import make_writable, put_under_dvc
from models.language.ledger import OF_USERS, Ledger
from models.language.writing.answers import ANSWERS, read_answers

FOLDER = "data/answers"


def journal_of(settings: Settings) -> Path:
    """The ledger of a home."""
    return settings.home / "answers.db"


def all_answers(project: Project, journal: pl.DataFrame) -> pl.DataFrame:
    """ANSWERS of the folder that params.yaml names and of the journal, each key once."""
    return pl.concat(_shared_and_new(project, journal))


def export(project: Project, journal: pl.DataFrame) -> bool:
    """Writes what the journal has and the folder has not; True: something was new. Equal rows give equal bytes."""
    shared, new = _shared_and_new(project, journal)
    if new.is_empty():
        return False
    _write(project, pl.concat([shared, new]))
    if project.params()["language"]["answers"] != FOLDER:
        write_text(edited(read_text(project), {"language.answers": FOLDER}, PROFILES[0]), project.paths.params)
    return True


def share(project: Project, settings: Settings) -> bool:
    """`export` of this home's ledger, where there is one."""
    path = journal_of(settings)
    if not path.is_file():
        return False
    with Ledger(path) as ledger:
        return export(project, ledger.table())


def erase(project: Project, user_ids: Sequence[str]) -> int:
    """Takes what was said of users out of the folder; number of rows. DVC's cache has older versions until `dvc gc`."""
    folder = project.root / FOLDER
    if not folder.is_dir():
        return 0
    shared = read_answers(folder)
    kept = shared.filter(~(pl.col("part").is_in(OF_USERS) & pl.col("subject").is_in(list(user_ids))))
    if kept.height < shared.height:
        _write(project, kept)
    return shared.height - kept.height


def _shared_and_new(project: Project, journal: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """ANSWERS of the folder that params.yaml names, and those that only the journal has."""
    shared = read_answers(project.root / project.params()["language"]["answers"])
    return shared, journal.join(shared, on="key", how="anti")


def _write(project: Project, answers: pl.DataFrame) -> None:
    folder = project.root / FOLDER
    make_writable(project.root, FOLDER)
    for name in sorted({*answers["part"].unique().to_list(), *(path.stem for path in folder.glob("*.parquet"))}):
        rows = answers.filter(part=name).sort("key")
        write_parquet(ANSWERS.check(rows, source="the ledger"), folder / f"{name}.parquet")
    put_under_dvc(project.root, FOLDER)
