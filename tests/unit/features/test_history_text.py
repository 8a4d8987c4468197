"""A history in words: oldest to newest, one verb for acts of one kind in a row, within a budget."""

from __future__ import annotations

import pytest

from features.cleaning.text import history_text

ACTS = [("purchase", "Tea"), ("purchase", "Cup"), ("click", "Pot")]


def test_acts_of_one_kind_in_a_row_share_their_verb():
    assert history_text(ACTS) == "bought Tea, then Cup; looked at Pot"


def test_an_act_without_a_title_is_left_out_and_an_unknown_kind_says_its_name():
    assert history_text([("view", ""), ("gift_wrapped", "Tea"), (None, "Cup")]) == "gift wrapped Tea; chose Cup"


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (35, "bought Tea, then Cup; looked at Pot"),  # exactly its 35 characters
        (34, "… bought Cup; looked at Pot"),
        (26, "… looked at Pot"),
        (14, ""),
    ],
)
def test_the_oldest_acts_go_where_the_budget_does_not_suffice(budget, expected):
    assert history_text(ACTS, budget) == expected and len(expected) <= budget
