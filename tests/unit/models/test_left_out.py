"""Choices that are not judged: counted by reason, said in the verdict when they are many, and those of the test set."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.positives import DEFAULT_POSITIVES, Positives
from models.evaluation.left_out import LeftOut, left_out
from models.evaluation.test_set import make_test_set
from models.gate.decision import Decision


def rows(*triples: tuple[str, str, str | None]) -> pl.DataFrame:
    schema = {"user_id": pl.String, "item_id": pl.String, "event": pl.String}
    return pl.DataFrame(list(triples), schema=schema, orient="row")


HISTORY = rows(
    ("a", "x", "view"),
    ("a", "y", "buy"),
    ("a", "z", "impression"),
    ("b", "x", "cart"),
    ("b", "x", "view"),
    ("b", "y", "view"),
    ("c", "x", None),
)
PART = rows(
    ("a", "x", "buy"),  # viewed before
    ("a", "x", "buy"),
    ("a", "y", "buy"),  # bought before
    ("a", "z", "buy"),  # only shown before: new
    ("b", "x", "buy"),  # in the cart and viewed before
    ("b", "y", "buy"),  # viewed before
    ("b", "z", "view"),  # no target
    ("c", "x", None),  # chosen before, by an event without a kind
    ("d", "x", "buy"),  # nobody knows d
)


def test_choices_are_counted_by_the_reason_why_they_are_left_out() -> None:
    assert left_out(HISTORY, PART, Positives.of(["buy"])) == LeftOut(7, 2, 3, "view")
    assert left_out(HISTORY, PART, DEFAULT_POSITIVES) == LeftOut(8, 5, 0, None)
    assert left_out(HISTORY.clear(), PART, DEFAULT_POSITIVES) == LeftOut(8, 0, 0, None)


@pytest.mark.parametrize("positives", [DEFAULT_POSITIVES, Positives.of(["buy"]), Positives.of(["buy", "view"])])
def test_the_counts_are_those_of_the_test_set(positives: Positives) -> None:
    rng = np.random.default_rng(3)
    kinds = np.array(["view", "buy", "impression", "cancel", None], dtype=object)

    def drawn(n: int) -> pl.DataFrame:
        users, items = rng.integers(0, 20, n), rng.integers(0, 12, n)
        return rows(
            *((f"u{u}", f"i{i}", kinds[k]) for u, i, k in zip(users, items, rng.integers(0, 5, n), strict=True))
        )

    history, part = drawn(300), drawn(150)
    choices = left_out(history, part, positives)
    test_set = make_test_set(history.filter(pl.col("event").ne_missing("impression")), part.filter(positives.where()))
    assert choices.n_repeated + choices.n_met == test_set.n_dropped > 0
    assert choices.n_choices == test_set.n_dropped + len(test_set.targets.values)


def test_many_left_out_are_one_sentence_and_few_are_none() -> None:
    assert LeftOut(10, 2, 0, None).sentence() is None
    assert LeftOut(0, 0, 0, None).sentence() is None
    assert LeftOut(276, 248, 0, None).sentence() == (
        "Left out of judging: 248 of 276 choices in test (90%), of which 248 repeat an earlier choice of the same "
        "user; lists offer only what a user has not met, so this verdict speaks of the other 28."
    )
    assert LeftOut(7, 2, 3, "view").sentence() == (
        "Left out of judging: 5 of 7 choices in test (71%), of which 2 repeat an earlier choice of the same user and 3 "
        "are of items that the user had met by an event that is no target (mostly 'view'); lists offer only what a "
        "user has not met, so this verdict speaks of the other 2."
    )


def test_the_verdict_holds_the_sentence_in_every_form() -> None:
    decision = Decision(
        promote=False,
        verdict="too_few",
        reasons=["Refused: 26 test queries are too few."],
        results=[],
        champion="popular",
        notes=("Left out: 5 < 7.",),
    )
    assert decision.as_dict()["notes"] == ["Left out: 5 < 7."]
    assert "- Refused: 26 test queries are too few.\n- Left out: 5 < 7.\n" in decision.as_markdown()
