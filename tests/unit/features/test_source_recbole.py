"""RecBole atomic files small enough to write the tables down by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from features.reading.raw_tables import Options
from features.sources.recbole import read

INTER = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n186\t302\t3.5\t891717742.5\n"
)
ITEM = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tscore:float\tbox:float_seq\n"
ITEM += "242\tKolya\t1996\tComedy\t7.5\t1 2.5\n302\tL.A. Confidential\t1997\tCrime Film-Noir\t\t\n"
USER = "user_id:token\tage:float\tgender:token\n196\t49\tM\n186\t39\tF\n"


def test_reads_typed_fields(tmp_path: Path) -> None:
    for name, text in (
        ("ml.inter", INTER),
        ("ml.item", ITEM),
        ("ml.user", USER),
        ("ml.net", "source_id:token\ttarget_id:token\n196\t186\n"),
    ):
        (tmp_path / name).write_text(text)
    for path in (tmp_path, tmp_path / "ml.inter"):
        tables = read(path, Options())
        assert tables.interactions.select("user_id", "item_id", "value", "timestamp").rows() == [
            ("196", "242", 3.0, datetime(1997, 12, 4, 15, 55, 49, tzinfo=UTC)),
            ("186", "302", 3.5, datetime(1998, 4, 4, 19, 22, 22, 500_000, tzinfo=UTC)),
        ]
        assert tables.items.select("item_id", "title", "tags", "release_year", "score", "box").rows() == [
            ("242", "Kolya", ["Comedy"], "1996", 7.5, [1.0, 2.5]),
            ("302", "L.A. Confidential", ["Crime", "Film-Noir"], "1997", None, None),
        ]
        assert tables.users.rows() == [("196", 49.0, "M"), ("186", 39.0, "F")]
        assert tables.relations.rows() == [("196", "186")]
        assert "items: guessed fields: title = movie_title, tags = class" in tables.notes


def test_a_field_that_is_not_of_its_declared_type_is_set_aside(tmp_path: Path) -> None:
    rows = "".join(f"{n}\t1\t3\t881250949\n" for n in range(30))
    (tmp_path / "x.inter").write_text(INTER.split("\n")[0] + "\n" + rows + "31\t1\tgood\t881250949\n")
    tables = read(tmp_path, Options())
    assert tables.quarantine.rows() == [("x.inter", 32, "rating", "good", "no float, as the header declares it")]
