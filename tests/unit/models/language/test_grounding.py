"""Grounding: inventions are caught, true texts pass."""

from __future__ import annotations

from collections import Counter

import pytest

from models.language.grounding import ungrounded
from tests.support.told_texts import ITEMS, planted, true_texts

FACTS = ITEMS[0][0]  # Heat (1995), Los Angeles, Neil McCauley


def test_of_two_hundred_planted_inventions_at_least_95_percent_are_caught():
    missed = [(kind, text) for facts, text, kind in planted(200) if not ungrounded(text, facts)]
    assert len(missed) <= 10, Counter(kind for kind, _ in missed)


def test_of_the_true_texts_at_most_5_percent_are_refused():
    told = true_texts()
    refused = [(text, strangers) for facts, text in told if (strangers := ungrounded(text, facts))]
    assert len(refused) <= 0.05 * len(told), refused


@pytest.mark.parametrize(
    ("text", "strangers"),
    [
        ("Heat is from 1995.", []),
        ("Heat is from 1996.", ["1996"]),
        ("A film of the 1990s.", []),
        ("A film of the 1980s.", ["1980"]),
        ("McCauley’s crew robs a bank.", []),
        ("With Robert De Niro.", ["Robert", "De", "Niro"]),
        ("It is “a crew of thieves”.", []),
        ("It is “a masterpiece”.", ["a masterpiece"]),
        ("It was directed by mann.", ["mann"]),
        ("Seven thieves rob a bank.", ["Seven"]),
        ("Los Thieves", ["Los Thieves"]),
        ("一部关于抢劫的电影", ["一部关于抢劫的电影"]),
        ("", []),
    ],
)
def test_what_is_looked_up(text, strangers):
    assert ungrounded(text, FACTS) == strangers


def test_thousands_and_decimals_have_one_form():
    facts = {"price": 1299.5, "note": "holds 10,000 songs"}
    assert ungrounded("It costs 1,299.50 and holds 10000 songs.", facts) == []
    assert ungrounded("It costs 1,299.60.", facts) == ["1,299.60"]


def test_a_run_of_a_script_without_capitals_has_to_stand_in_the_facts():
    facts = {"title": "红楼梦", "tags": ["古典小说"]}
    assert ungrounded("古典小说", facts) == [] and ungrounded("the 红楼梦", facts) == []
    assert ungrounded("现代小说", facts) == ["现代小说"]


def test_names_of_fields_are_no_facts():
    assert ungrounded("It is a Publisher.", {"publisher": "none"}) == ["Publisher"]
