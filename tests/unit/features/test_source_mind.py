"""MIND on files small enough to write the tables down by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from features.reading.raw_tables import Options
from features.sources.mind import read

BEHAVIORS = (
    "1\tU13740\t11/11/2019 9:05:58 AM\tN55189 N42782\tN55689-1 N35729-0\n"
    "2\tU91836\t11/12/2019 6:11:30 PM\t\tN20678-0 N39317-1\n"
)
NEWS = (
    'N55689\tsports\tfootball_nfl\tCharles Rogers, "former" Lion, dead at 38\tThe abstract.\thttps://x\t[]\t[]\n'
    "N35729\tnews\tnewsus\tPorsche launches\t\thttps://y\t[]\t[]\n"
)
MORNING = datetime(2019, 11, 11, 9, 5, 58, tzinfo=UTC)
EVENING = datetime(2019, 11, 12, 18, 11, 30, tzinfo=UTC)


def test_what_was_shown_becomes_clicks_and_impressions(tmp_path: Path) -> None:
    (tmp_path / "behaviors.tsv").write_text(BEHAVIORS)
    (tmp_path / "news.tsv").write_text(NEWS)
    tables = read(tmp_path, Options())
    assert tables.interactions.select("user_id", "item_id", "event", "timestamp").rows() == [
        ("U13740", "N55689", "click", MORNING),
        ("U13740", "N35729", "impression", MORNING),
        ("U91836", "N20678", "impression", EVENING),
        ("U91836", "N39317", "click", EVENING),
    ]
    assert tables.items.select("item_id", "title", "description", "tags", "category", "url").rows() == [
        (
            "N55689",
            'Charles Rogers, "former" Lion, dead at 38',
            "The abstract.",
            ["football_nfl"],
            "sports",
            "https://x",
        ),
        ("N35729", "Porsche launches", None, ["newsus"], "news", "https://y"),
    ]
    assert any(note.startswith("history: 2 earlier clicks carry no time") for note in tables.notes)


def test_train_and_dev_folders_are_one_log(tmp_path: Path) -> None:
    for part, lines in (("MINDsmall_train", BEHAVIORS), ("MINDsmall_dev", "1\tU1\t11/15/2019 1:00:00 PM\t\tN1 N2\n")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "behaviors.tsv").write_text(lines)
        (tmp_path / part / "news.tsv").write_text(NEWS)
    tables = read(tmp_path, Options())
    assert tables.interactions.height == 6
    assert tables.interactions.filter(user_id="U1")["event"].to_list() == ["impression", "impression"]  # no labels
    assert tables.items.height == 2  # both folders describe the same two


def test_entries_without_a_label_of_0_or_1_are_set_aside(tmp_path: Path) -> None:
    shown = " ".join(f"N{n}-0" for n in range(60))
    (tmp_path / "behaviors.tsv").write_text(
        f"1\tU1\t11/11/2019 9:05:58 AM\t\t{shown} N7-2\n2\tU2\t11/11/2019 9:05:58 AM\t\t\n"
    )
    tables = read(tmp_path, Options())
    assert tables.interactions.height == 60
    assert tables.quarantine.rows() == [
        ("behaviors.tsv", 1, "impressions", "N7-2", "no ITEM-0 or ITEM-1"),
        ("behaviors.tsv", 2, "impressions", "", "nothing shown"),
    ]
