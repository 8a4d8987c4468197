"""Dead letters: kept once with the reason, bounded, erased with their user."""

from __future__ import annotations

import pytest

from features.events.event_log import EventLog
from features.streams.dead_letters import MOST_BYTES, DeadLetters
from features.streams.intake import Refusal


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path / 'events.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    opened = EventLog(url)
    yield opened
    opened.close()


def refusal(position: str, body: bytes = b"{}", user: str | None = None, reason: str = "no good") -> Refusal:
    return Refusal(position, reason, "value", body, user)


def test_a_letter_keeps_reason_source_position_time_and_body(log):
    letters = DeadLetters(log.database)
    assert letters.add("redis:h/s", [refusal("s/1", b'{"user_id": "u"}', "u")], at=7) == 1
    (letter,) = letters.letters()
    assert (letter.source, letter.position, letter.at, letter.reason, letter.field) == (
        *("redis:h/s", "s/1", 7, "no good", "value"),
    )
    assert (letter.user_id, letter.body, letter.is_whole) == ("u", b'{"user_id": "u"}', True)


def test_the_same_position_is_kept_once(log):
    letters = DeadLetters(log.database)
    assert letters.add("a", [refusal("1"), refusal("1"), refusal("2")], at=1) == 2
    assert letters.add("a", [refusal("2")], at=2) == 0
    assert letters.add("b", [refusal("2")], at=2) == 1
    assert letters.count() == 3


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a\x00b", "ü 😀".encode(), b""])
def test_any_bytes_are_kept_as_they_were(log, body):
    letters = DeadLetters(log.database)
    letters.add("a", [refusal("1\x00\n", body, reason="line\nbreak")], at=1)
    assert letters.letters()[0].body == body
    assert letters.letters()[0].reason == "line\\x0abreak"


def test_only_the_beginning_of_a_large_body_is_kept(log):
    letters = DeadLetters(log.database)
    letters.add("a", [refusal("1", b"x" * (MOST_BYTES + 5))], at=1)
    (letter,) = letters.letters()
    assert (len(letter.body), letter.n_bytes, letter.is_whole) == (MOST_BYTES, MOST_BYTES + 5, False)


def test_beyond_the_bound_the_oldest_go(log):
    letters = DeadLetters(log.database, most=3)
    for at in range(1, 6):
        letters.add("a", [refusal(str(at))], at=at)
    assert [letter.position for letter in letters.letters()] == ["3", "4", "5"]


def test_named_letters_are_removed(log):
    letters = DeadLetters(log.database)
    letters.add("a", [refusal("1"), refusal("2")], at=1)
    first = letters.letters()[0]
    letters.remove([first.id])
    assert [letter.id for letter in letters.letters()] != [first.id]
    assert letters.count() == 1


def test_erasing_a_user_takes_letters_that_name_them_and_unread_bodies_that_hold_the_id(log):
    letters = DeadLetters(log.database)
    assert letters.erase_user("zoë") == 0  # before there is a table
    letters.add(
        "a",
        [
            refusal("1", b'{"user_id": "zo\xc3\xab"}', "zoë"),
            refusal("2", "not json: zoë clicked".encode()),
            refusal("3", b'{"users": ["zo\\u00eb"]}'),
            refusal("4", b"{}", "someone else"),
            refusal("5", b"\xff\xfe"),
        ],
        at=1,
    )
    assert letters.erase_user("zoë") == 3
    assert {letter.position for letter in letters.letters()} == {"4", "5"}
