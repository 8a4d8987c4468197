"""What an import says of its events: their kinds, which count as positive, what looks wrong and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from features.importing.event_kinds import notes_on_events, says_no
from features.importing.importer import import_source
from features.positives import DEFAULT_POSITIVES, Positives
from features.schema import INTERACTIONS

START = datetime(2024, 1, 1, tzinfo=UTC)


def log(rows: list[tuple[str, str, str | None]]) -> pl.DataFrame:
    """INTERACTIONS a minute apart from (user, item, event)."""
    times = [START + timedelta(minutes=k) for k in range(len(rows))]
    frame = pl.DataFrame(rows, schema={"user_id": pl.String, "item_id": pl.String, "event": pl.String}, orient="row")
    timed = frame.with_columns(timestamp=pl.Series(times), value=pl.lit(None, pl.Float64))
    return timed.with_columns(known_at="timestamp").select(list(INTERACTIONS.columns)).cast(dict(INTERACTIONS.columns))


def once(event: str | None, n: int, user: str = "u") -> list[tuple[str, str, str | None]]:
    return [(user, f"{event}{k}", event) for k in range(n)]


def test_each_kind_is_told_with_its_count_and_whether_it_is_positive() -> None:
    rows = log([*once("view", 30), *once("purchase", 4), *once("impression", 7), *once(None, 2)])
    assert notes_on_events(rows, DEFAULT_POSITIVES) == [
        "events that count as positive: 30 'view', 4 'purchase', 2 without a kind; that do not: 7 'impression'"
    ]
    assert notes_on_events(rows, Positives.of(["purchase"])) == [
        "events that count as positive: 4 'purchase', 2 without a kind; that do not: 30 'view', 7 'impression'"
    ]


def test_a_log_without_kinds_needs_no_word() -> None:
    assert notes_on_events(log(once(None, 20)), DEFAULT_POSITIVES) == []


NO = [
    *(
        "dislike",
        "Disliked",
        "thumbs_down",
        "ThumbsDown",
        "thumbs-down",
        "THUMBS DOWN",
        "skip",
        "track_skipped",
        "refund",
    ),
    *("order.refunded", "return", "Returned", "remove_from_cart", "removeFromWishlist", "unsubscribe", "Unlike"),
    *("order_cancelled", "Cancel", "not_interested", "NotInterested", "downvote", "down-vote", "hide_post", "reported"),
    *("Impression", "IMPRESSIONS", "ad_shown", "deleted", "uninstall", "chargeback", "product/return"),
]
YES = [
    *(
        "like",
        "thumbs_up",
        "view",
        "purchase",
        "add_to_cart",
        "click",
        "rating",
        "play",
        "subscribe",
        "follow",
        "showroom",
    ),
    *("shipped", "transaction", "badge", "install", "upvote", "re-order", "complete", "finish"),
]


@pytest.mark.parametrize("kind", NO)
def test_names_of_refusals_are_asked_about_in_any_spelling(kind: str) -> None:
    assert says_no(kind)


@pytest.mark.parametrize("kind", YES)
def test_other_names_are_not(kind: str) -> None:
    assert not says_no(kind)


def test_the_question_has_the_line_of_params_to_write() -> None:
    rows = log([*once("like", 3), *once("on", 2), *once("it's", 2), *once("dislike", 5), *once("Refund", 1)])
    (question,) = [note for note in notes_on_events(rows, DEFAULT_POSITIVES) if note.startswith("question")]
    assert "5 'dislike', 1 'Refund' count as positive, but their names say the opposite" in question
    line = question.partition("`")[2].partition("`")[0]
    assert YAML(typ="safe").load(line) == {"targets": ["like", "it's", "on"]}
    assert "in section `evaluate` of params.yaml" in question
    again = notes_on_events(rows, Positives.of(["like", "it's", "on"]))
    assert not any(note.startswith("question") for note in again)


def test_showings_under_another_name_are_to_be_renamed() -> None:
    (_, question) = notes_on_events(log([*once("click", 5), *once("Impression", 9)]), DEFAULT_POSITIVES)
    assert "rename 'Impression'" in question
    assert "`targets: [click]`" in question


def test_where_every_kind_is_a_refusal_no_empty_list_is_proposed() -> None:
    (_, question) = notes_on_events(log(once("skip", 5)), DEFAULT_POSITIVES)
    assert "targets: []" not in question
    assert "add the events that speak for an item" in question


def test_most_choices_that_repeat_are_told() -> None:
    rows = log([(f"u{k % 4}", f"d{k % 3}", None) for k in range(60)])  # 12 pairs
    (note,) = notes_on_events(rows, DEFAULT_POSITIVES)
    assert note.startswith("48 of 60 positive events (80%) repeat an earlier one of the same user and item")
    half = log([*once(None, 31), *once(None, 29)])
    assert notes_on_events(half, DEFAULT_POSITIVES) == []


def test_views_that_hide_purchases_are_told() -> None:
    rows = [("u", f"i{k}", event) for k in range(20) for event in ("view", "purchase")]
    rows += [("u", f"new{k}", "purchase") for k in range(5)]
    hidden = "'purchase': 20 of 25 (80%) are of items that the user had met before, mostly by 'view'"
    notes = notes_on_events(log(rows), Positives.of(["purchase"]))
    assert notes[1:] == [f"{hidden}: what a user has met is not offered, so judging leaves them out"]
    assert notes_on_events(log(rows), DEFAULT_POSITIVES)[-1] == (
        f"{hidden}: that was the choice, so this event is left out of judging"
    )
    shown = [("u", f"i{k}", event) for k in range(20) for event in ("impression", "purchase")]
    assert len(notes_on_events(log(shown), Positives.of(["purchase"]))) == 1


def test_the_report_of_an_import_holds_these_notes_and_source_json_does_not(tmp_path: Path) -> None:
    lines = "".join(f"u{k},i{k},{1_700_000_000 + k},{'dislike' if k % 2 else 'like'}\n" for k in range(40))
    (tmp_path / "interactions.csv").write_text(f"user_id,item_id,timestamp,event\n{lines}")
    for positives, asked in ((DEFAULT_POSITIVES, True), (Positives.of(["like"]), False)):
        report = import_source(
            "csv", tmp_path / "interactions.csv", {}, tmp_path / "raw", False, None, positives=positives
        )
        assert "20 'like'" in report.text()
        assert ("question: 20 'dislike' count as positive" in report.text()) == asked
        assert "dislike" not in (tmp_path / "raw" / "source.json").read_text()
    appended = import_source("csv", tmp_path / "interactions.csv", {}, tmp_path / "raw", True, None)
    assert "question: 20 'dislike'" in appended.text()


@pytest.mark.parametrize("word", ["\\N", "NULL", "null", "nan", "NaN", "None", "N/A", "<NA>", "#N/A", "undefined", ""])
@pytest.mark.parametrize("column", ["user_id", "item_id"])
def test_a_word_for_no_value_is_no_id(tmp_path: Path, word: str, column: str) -> None:
    user, item = (word, "i") if column == "user_id" else ("u", word)
    lines = "".join(f"{user},{item},{k}\n" if k % 5 == 0 else f"u{k},i{k},{k}\n" for k in range(200))
    (tmp_path / "interactions.csv").write_text(f"user_id,item_id,time_order\n{lines}")
    report = import_source("csv", tmp_path / "interactions.csv", {"bad_share": 0.3}, tmp_path / "raw", False, None)
    assert (report.n_rows, report.counts["interactions_quarantined"]) == (160, 40)
    assert any(f"no {column}" in note and (not word or word in note) for note in report.notes)


@pytest.mark.parametrize("word", ["NA", "-1", "unknown", "Anonymous", "guest", "(not set)", "-", "nil"])
def test_a_word_that_may_be_an_id_is_kept_and_asked_about(tmp_path: Path, word: str) -> None:
    lines = "".join(f"{word if k % 5 == 0 else f'u{k}'},i{k},{k}\n" for k in range(200))
    (tmp_path / "interactions.csv").write_text(f"user_id,item_id,time_order\n{lines}")
    report = import_source("csv", tmp_path / "interactions.csv", {}, tmp_path / "raw", False, None)
    assert report.n_rows == 200
    assert any(f"user_id is {word!r} in 40 rows; each counts as one user" in note for note in report.notes)
    assert not any("item_id is" in note for note in report.notes)
