"""Hand-written messages in three languages are understood as they are meant: F1 over all slots."""

from __future__ import annotations

import pytest

from models.language.intent.intent import Intent, Memory, NumberLimit, continued
from models.language.intent.understanding import understand
from tests.support.chat_messages import messages, rental_shop, score

LEXICON = rental_shop()


@pytest.mark.parametrize(
    ("language", "least", "n"), [("en", 0.80, 40), ("de", 0.70, 40), ("zh", 0.60, 40), ("later", 0.70, 24)]
)
def test_messages_are_understood(language, least, n):
    assert len(messages(language)) == n
    counts, faults = score(language, LEXICON)
    assert counts.f1 >= least, faults


def said(message: str, **memory) -> Intent:
    return understand(message, Memory(**memory), LEXICON)


def test_the_same_message_means_the_same_every_time_and_the_language_is_told():
    assert said("no horror, under 5 euros") == said("no horror, under 5 euros")
    assert [said(text).language for text in ("cheap tents", "ein Zelt ohne Holz", "便宜的帐篷")] == ["en", "de", "zh"]


def test_of_two_titles_that_fit_it_asks_which_one():
    unclear = said("something like Night Train")
    assert unclear.unclear == ["Night Train to Lisbon", "Night Train to Prague"]
    assert unclear.like == []


def test_what_no_rule_reads_becomes_free_text():
    assert said("a lighthouse keeper who waits, no dogs").text == "lighthouse keeper waits"


@pytest.mark.parametrize(
    "message",
    ["", " ", "?!", "\u202e\u0000", "a" * 100_000, "1e999 €", "9" * 400 + " euros", "或或或不不不", "<" * 5000],
)
def test_no_message_breaks_the_parser(message):
    assert isinstance(said(message), Intent)


def test_a_later_message_counts_more_than_an_earlier_one():
    first = said("a funny comedy under 8 euros, no dogs")
    second = continued(first, said("under 5 euros and with dogs"), LEXICON.categories)
    assert set(second.include) == {"comedy", "funny", "dogs"}
    assert second.exclude == []
    assert second.numbers == [NumberLimit(column="price", op="<", value=5)]
    assert continued(second, said("a documentary or a drama"), LEXICON.categories).include == ["documentary", "drama"]
    switched = continued(second, said("rather a thriller"), LEXICON.categories)
    assert "comedy" not in switched.include
    assert "thriller" in switched.include
    assert continued(second, said("start over"), LEXICON.categories) == Intent()


def test_a_conversation_of_any_length_is_bounded():
    intent = Intent()
    for number in range(200):
        intent = continued(intent, Intent(include=[f"word {number}"], like=[f"i{number}"]))
    assert len(intent.include) == len(intent.like) == 40
    assert intent.include[-1] == "word 199"
