"""Constraints by hand: which items pass, and which one gives way when none does."""

from __future__ import annotations

import numpy as np
import pytest

from models.language.conversation.constraints import constraints_of, fitting, passes, without
from models.language.intent.intent import Intent, NumberLimit
from tests.support.chat_messages import rental_shop

LEXICON = rental_shop()
EVERY = np.ones(LEXICON.n_items, dtype=np.bool_)


def passing(**intent) -> tuple[set[str], list[str]]:
    mask, gone = fitting(constraints_of(Intent(**intent), LEXICON), EVERY)
    return {LEXICON.item_ids[place] for place in np.flatnonzero(mask)}, [one.kind for one in gone]


def limit(column: str, op: str, value: float) -> NumberLimit:
    return NumberLimit(column=column, op=op, value=value)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("<", [True, False, False]),
        ("<=", [True, True, False]),
        ("=", [False, True, False]),
        (">=", [False, True, True]),
        (">", [False, False, True]),
    ],
)
def test_a_limit_passes_no_item_whose_column_is_unknown(op, expected):
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert passes(limit("price", op, 2.0), values).tolist() == [*expected, False]


def test_a_price_as_32_bits_hold_it_is_the_price_that_is_shown():
    assert passes(limit("price", "<=", 7.61), np.array([np.float32(7.61)], dtype=np.float64)).all()


def test_all_constraints_hold_together_and_either_asks_for_one():
    assert passing(include=["comedy"], exclude=["dogs"]) == ({"f5", "f18"}, [])
    assert passing(include=["comedy", "animation"], either=True, numbers=[limit("year", ">", 2015)])[0] == {"f5", "f9"}
    assert passing(exclude=["aluminium"], include=["tents"])[0] == {"g2", "g3"}


def test_what_was_said_last_gives_way_first_and_a_refusal_last():
    assert passing(include=["tents"], numbers=[limit("price", "<", 10)]) == ({"g1", "g2", "g3"}, ["number"])
    tents, gone = passing(include=["tents", "dogs"], exclude=["waterproof"])
    assert (tents, gone) == ({"g2"}, ["include"])
    everything, gone = passing(include=["tents", "dogs"], numbers=[limit("price", "<", 1)])
    assert gone == ["number", "include"]
    assert everything == {"g1", "g2", "g3"}


def test_a_limit_on_a_column_that_the_catalogue_lacks_is_none():
    assert len(passing(numbers=[limit("voltage", "<", 1)])[0]) == LEXICON.n_items


def test_what_an_earlier_message_said_gives_way_first_and_is_forgotten():
    said = Intent(include=["tents"], numbers=[limit("price", "<", 200)])
    merged = Intent(include=["trains", "dark", "tents"], exclude=["wood"], numbers=[limit("price", "<", 200)])
    mask, gone = fitting(constraints_of(merged, LEXICON, said), EVERY)
    assert {LEXICON.item_ids[place] for place in np.flatnonzero(mask)} == {"g1", "g3"}
    assert [one.what for one in gone] == [("trains",), ("dark",)]
    assert without(merged, gone).include == ["tents"]
    one_gone, gone = fitting(constraints_of(Intent(include=["space", "war"]), LEXICON, Intent(include=["war"])), EVERY)
    assert [one.what for one in gone] == [("space",)]
    assert {LEXICON.item_ids[place] for place in np.flatnonzero(one_gone)} == {"f8", "f19"}
