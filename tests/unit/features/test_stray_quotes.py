"""Quotes that do not pair in delimited files: no row is lost without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import UserError
from features.importing.importer import ImportReport, import_source

HEADER = ("user_id", "item_id", "artist", "plays", "timestamp")


def lines(artists: dict[int, str], separator: str, n: int = 100) -> str:
    """A header and n rows, their third field from `artists` by row number."""
    rows = [(f"u{k % 20}", f"i{k % 15}", artists.get(k, f"name {k}"), str(k), str(1_700_000_000 + k)) for k in range(n)]
    return "\n".join(separator.join(row) for row in (HEADER, *rows)) + "\n"


def imported(folder: Path, name: str, text: str, **options: float) -> ImportReport:
    (folder / "in").mkdir()
    (folder / "in" / name).write_text(text)
    return import_source("csv", folder / "in", dict(options), folder / "raw", False, None)


@pytest.mark.parametrize("name", ["interactions.tsv", "interactions.csv"])
def test_a_tab_file_whose_quotes_do_not_pair_keeps_every_row(tmp_path: Path, name: str) -> None:
    strays = {10: '"Odd Name" Trio', 40: '"Open', 80: 'The "Shut"', 90: '12" mix', 95: '"Never closed'}
    report = imported(tmp_path, name, lines(strays, "\t"))
    assert report.n_rows == report.counts["interactions_read"] == 100
    assert report.counts["interactions_quarantined"] == 0
    assert any("3 lines hold quotes that do not pair" in note and "e.g. line 12" in note for note in report.notes)


@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_a_stray_quote_in_another_file_costs_its_own_row_and_is_counted(tmp_path: Path, separator: str) -> None:
    report = imported(tmp_path, "interactions.csv", lines({40: '"Open', 80: 'Shut"'}, separator))
    assert (report.n_rows, report.counts["interactions_read"], report.counts["interactions_quarantined"]) == (
        99,
        100,
        1,
    )
    assert any("line 42" in note and "quotes do not pair" in note for note in report.notes)


def test_two_neighbors_that_a_pair_of_stray_quotes_joins_are_two_rows(tmp_path: Path) -> None:
    report = imported(tmp_path, "interactions.csv", lines({40: '"Open', 41: 'Shut"'}, ","))
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (99, 1)


def test_many_stray_quotes_stop_the_import(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"6 of 100 rows .*line 12"):
        imported(tmp_path, "interactions.csv", lines({k: f'"x" {k}' for k in range(10, 70, 10)}, ","))


def test_text_after_a_closing_quote_is_said_of_its_line(tmp_path: Path) -> None:
    report = imported(tmp_path, "interactions.csv", lines({3: '"a" b'}, ","))
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (99, 1)


def test_fields_of_several_lines_stay_one_field(tmp_path: Path) -> None:
    text = '"A ""great"" record,\nwith, commas\n\nand blank lines"'
    report = imported(tmp_path, "interactions.csv", lines({5: text, 6: '"x\ty"'}, ","))
    assert (report.n_rows, report.counts["interactions_read"]) == (100, 100)
    quoted = lines({5: '"two\nlines"', 7: '"a\ttab"', 9: '"an ""inner"" one"'}, "\t")
    (tmp_path / "tab").mkdir()
    assert imported(tmp_path / "tab", "interactions.tsv", quoted).n_rows == 100


def test_a_text_of_two_columns_may_hold_line_ends_and_commas(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "items.csv").write_text('item_id,title\ni1,"Dear all\nyes, no"\ni2,B\n')
    (tmp_path / "in" / "interactions.csv").write_text(lines({}, ","))
    assert import_source("csv", tmp_path / "in", {}, tmp_path / "raw", False, None).sizes["items"] == 2


def test_windows_line_ends_and_a_stray_quote_in_the_last_row(tmp_path: Path) -> None:
    text = lines({99: '7" single', 50: '"Heroes"', 98: '"open'}, "\t").replace("\n", "\r\n")
    report = imported(tmp_path, "interactions.tsv", text)
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (100, 0)


def test_a_header_with_a_stray_quote_names_the_columns_of_a_tab_file(tmp_path: Path) -> None:
    text = lines({}, "\t").replace("artist", '"artist')
    assert imported(tmp_path, "interactions.tsv", text).n_rows == 100
    (tmp_path / "csv").mkdir()
    with pytest.raises(UserError, match="line 1"):
        imported(tmp_path / "csv", "interactions.csv", text.replace("\t", ","))
