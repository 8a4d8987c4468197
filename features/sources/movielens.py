"""movielens: 100k (tab files), 1m and 10m (`::` files), 20m, 25m, 32m and latest (csv), as zip or folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from features.reading.archive import Archive
from features.reading.assemble import assemble
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import Sheet
from features.reading.text_files import UTF8_OR_LATIN1, csv_sheet, plain_sheet

AGAIN = "use the files as GroupLens gives them"
RATINGS = ("user_id", "item_id", "value", "timestamp")
NO_GENRES = "(no genres listed)"
USER_TAGS = 20  # of an item, the most frequent ones, in the extra column `user_tags`
# u.item: one flag a genre, in this order (u.genre of the set)
GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


def read(path: Path, options: Options) -> RawTables:
    """Ratings as interactions; titles without their year (extra column `year`), genres as tags, the first as category.

    Raises:
        UserError: the layout is none of MovieLens, or its files are broken.
    """
    box = Archive.open(path)
    if (name := box.find("u.data")) is not None:
        sheets = _tab_files(box, name)
    elif (name := box.find("ratings.dat")) is not None:
        sheets = _dat_files(box, name)
    elif (name := box.find("ratings.csv")) is not None:
        sheets = _csv_files(box, name)
    else:
        raise box.missing("u.data (100k), ratings.dat (1m, 10m) or ratings.csv (latest)", AGAIN)
    notes = [] if "items" in sheets else ["no movies file beside the ratings"]
    return assemble(sheets, options, notes)


def _tab_files(box: Archive, ratings: str) -> dict[str, Sheet]:
    sheets = {"interactions": plain_sheet(box, ratings, RATINGS, "\t", UTF8_OR_LATIN1)}
    if (name := box.find("u.item")) is not None:
        flags = [f"_{genre}" for genre in GENRES_100K]
        columns = ["item_id", "title", "released", "_video", "_url", *flags]
        sheet = plain_sheet(box, name, columns, "|", UTF8_OR_LATIN1)
        genres = pl.concat_list(
            pl.when(pl.col(flag) == "1").then(pl.lit(genre))
            for flag, genre in zip(flags[1:], GENRES_100K[1:], strict=True)
        ).list.drop_nulls()
        sheets["items"] = _movies(
            sheet.with_frame(sheet.frame.with_columns(tags=genres).drop("_video", "_url", *flags))
        )
    if (name := box.find("u.user")) is not None:
        sheet = plain_sheet(box, name, ["user_id", "age", "gender", "occupation", "zip"], "|", UTF8_OR_LATIN1)
        sheets["users"] = _people(sheet)
    return sheets


def _dat_files(box: Archive, ratings: str) -> dict[str, Sheet]:
    sheets = {"interactions": plain_sheet(box, ratings, RATINGS, "::", UTF8_OR_LATIN1)}
    if (name := box.find("movies.dat")) is not None:
        sheet = plain_sheet(box, name, ["item_id", "title", "tags"], "::", UTF8_OR_LATIN1)
        sheets["items"] = _movies(sheet.with_frame(sheet.frame.with_columns(tags=_genres())))
    if (name := box.find("users.dat")) is not None:
        columns = ["user_id", "gender", "age_code", "occupation_code", "zip"]
        sheets["users"] = _people(plain_sheet(box, name, columns, "::", UTF8_OR_LATIN1))
    return sheets


def _csv_files(box: Archive, ratings: str) -> dict[str, Sheet]:
    sheet = csv_sheet(box, ratings, ",").need("userId", "movieId", "rating", "timestamp", remedy=AGAIN)
    ours = {"userId": "user_id", "movieId": "item_id", "rating": "value", "timestamp": "timestamp"}
    sheets = {"interactions": sheet.take(ours)}
    if (name := box.find("movies.csv")) is not None:
        sheet = csv_sheet(box, name, ",").need("movieId", "title", "genres", remedy=AGAIN)
        sheet = sheet.take({"movieId": "item_id", "title": "title", "genres": "tags"})
        frame = sheet.frame.with_columns(tags=_genres())
        if (tags := box.find("tags.csv")) is not None:
            given = csv_sheet(box, tags, ",").need("movieId", "tag", remedy=AGAIN).frame
            frame = frame.join(_user_tags(given), on="item_id", how="left", maintain_order="left")
        sheets["items"] = _movies(sheet.with_frame(frame))
    return sheets


def _movies(sheet: Sheet) -> Sheet:
    title = pl.col("title").str.strip_chars()
    year = title.str.extract(r"\((\d{4})(?:[-–]\d{0,4})?\)$")
    frame = sheet.frame.with_columns(
        title=pl.when(year.is_null()).then(title).otherwise(title.str.replace(r"\s*\(\d{4}(?:[-–]\d{0,4})?\)$", "")),
        year=year.cast(pl.Int64),
        category=pl.col("tags").list.first(),
    )
    return replace(sheet, frame=frame, textual=False)


def _genres() -> pl.Expr:
    genres = pl.col("tags").str.split("|")
    return genres.list.eval(pl.element().filter(~pl.element().is_in(["", NO_GENRES])))


def _people(sheet: Sheet) -> Sheet:
    return replace(sheet, textual=False)


def _user_tags(given: pl.DataFrame) -> pl.DataFrame:
    """The most frequent tags that users gave an item, then by name."""
    counted = (
        given.select(pl.col("movieId").alias("item_id"), pl.col("tag").str.strip_chars().str.to_lowercase())
        .filter(pl.col("tag") != "")
        .group_by("item_id", "tag")
        .len()
        .sort(["item_id", "len", "tag"], descending=[False, True, False])
    )
    return counted.group_by("item_id", maintain_order=True).agg(user_tags=pl.col("tag").head(USER_TAGS))
