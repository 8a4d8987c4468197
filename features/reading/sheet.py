"""Sheet: the rows of one table's files before any cell is understood, each with the file and line it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from features.errors import UserError
from features.schema import QUARANTINE

FILE, LINE = "_file", "_line"
SHOWN = 80  # characters of an unreadable row or cell that the quarantine keeps


@dataclass(frozen=True)
class Sheet:
    """`frame` has the columns of the file (text, or typed where the file knows types) and FILE and LINE.

    `faults` are QUARANTINE rows for lines that could not even be taken apart; `shown` names the file for messages;
    `textual`: further columns are text whose type may be guessed; `notes` are sentences for the report. Columns that
    begin with `_` are never kept.
    """

    frame: pl.DataFrame
    shown: str
    faults: pl.DataFrame = field(default_factory=QUARANTINE.empty)
    textual: bool = False
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The file's own columns."""
        return [name for name in self.frame.columns if not name.startswith("_")]

    def need(self, *names: str, remedy: str) -> Sheet:
        """The same sheet when it has all these columns.

        Raises:
            UserError: a column is missing.
        """
        missing = [name for name in names if name not in self.frame.columns]
        if missing:
            raise UserError(
                f"{self.shown}: no column {missing}; there are {self.columns}, expected {list(names)}; {remedy}"
            )
        return self

    def take(self, renamed: Mapping[str, str], *, rest: bool = False) -> Sheet:
        """Columns by `theirs: ours`; with `rest` all others follow unchanged."""
        others = [name for name in self.columns if name not in renamed and name not in renamed.values()] if rest else []
        hidden = [name for name in self.frame.columns if name.startswith("_")]
        columns = [pl.col(theirs).alias(ours) for theirs, ours in renamed.items()]
        return replace(self, frame=self.frame.select(*columns, *others, *hidden))

    def with_frame(self, frame: pl.DataFrame) -> Sheet:
        return replace(self, frame=frame)

    def with_faults(self, faults: pl.DataFrame) -> Sheet:
        return replace(self, faults=pl.concat([self.faults, faults]))


def join_sheets(sheets: Sequence[Sheet]) -> Sheet:
    """Sheets of the same table, one below the other."""
    if len(sheets) == 1:
        return sheets[0]
    return Sheet(
        pl.concat([sheet.frame for sheet in sheets], how="diagonal_relaxed"),
        " and ".join(sheet.shown for sheet in sheets[:3]) + (" and more" if len(sheets) > 3 else ""),
        pl.concat([sheet.faults for sheet in sheets]),
        all(sheet.textual for sheet in sheets),
        tuple(note for sheet in sheets for note in sheet.notes),
    )


def fault_rows(file: str, faults: Sequence[tuple[int, str | None, str, str]]) -> pl.DataFrame:
    """QUARANTINE rows from (line, column, found, reason)."""
    rows = [(file, line, column, found[:SHOWN], reason) for line, column, found, reason in faults]
    return pl.DataFrame(rows, schema=dict(QUARANTINE.columns), orient="row")
