"""The ledger: durable before it counts, each key once, nothing left of who is erased."""

from __future__ import annotations

import os
import random
import signal
import time

import polars as pl
import pytest

from models.language.ledger import Ledger, erase_user
from models.language.writing.answers import ANSWERS, read_answers
from tests.support.language_server import Play, scripted
from tests.support.made_questions import Asker, made_questions

NOW = 1_800_000_000_000_000


def row(key: str, part: str = "reason", subject: str = "i1", **more) -> dict:
    given = {"key": key, "asker": "a", "part": part, "subject": subject, "as_of": None, "answer": "{}", "valid": True}
    paid = {"n_requests": 1, "tokens_in": 5, "tokens_out": 2, "seconds": 0.5, "price": 0.1, "server": "tiny@0"}
    return {**given, "refusal": None, **paid, "answered_at": NOW, **more}


def test_a_row_comes_back_as_a_row_of_the_table(tmp_path):
    with Ledger(tmp_path / "a" / "answers.db") as ledger:
        ledger.record(row("k2"))
        ledger.record(row("k1", valid=False, answer=None, refusal="no", as_of=NOW - 1))
        table = ledger.table()
    assert table["key"].to_list() == ["k1", "k2"] and table["valid"].to_list() == [False, True]
    assert table["as_of"].dt.epoch("us").to_list() == [NOW - 1, None]
    assert table.schema == pl.Schema(ANSWERS.columns)


def test_the_first_answer_to_a_key_stays(tmp_path):
    with Ledger(tmp_path / "answers.db") as ledger:
        ledger.record(row("k", answer="first"))
        ledger.record(row("k", answer="second"))
        assert ledger.table()["answer"].to_list() == ["first"] and ledger.known_keys() == {"k"}


def test_an_empty_ledger_and_an_empty_folder_are_empty_tables(tmp_path):
    with Ledger(tmp_path / "answers.db") as ledger:
        assert ledger.table().is_empty()
    assert read_answers(tmp_path / "nowhere").is_empty()


def test_nothing_of_an_erased_user_is_left_in_the_file_and_items_of_the_same_id_stay(tmp_path):
    path = tmp_path / "answers.db"
    with Ledger(path) as ledger:
        ledger.record(row("k1", part="profile", subject="person-17", answer='{"profile": "Likes trains."}'))
        ledger.record(row("k2", part="profile", subject="person-18"))
        ledger.record(row("k3", part="reason", subject="person-17"))
    assert erase_user(path, "person-17") == 1 and erase_user(path, "person-17") == 0
    assert erase_user(tmp_path / "none.db", "person-17") == 0
    assert b"trains" not in path.read_bytes()
    with Ledger(path) as ledger:
        assert ledger.known_keys() == {"k2", "k3"}


@pytest.mark.parametrize("n_kills", [4, pytest.param(20, marks=pytest.mark.soak)])
def test_a_kill_at_any_moment_pays_nothing_twice_but_what_is_under_way(tmp_path, n_kills):
    """Three requests at a time: a kill loses at most three, and no key that the ledger has is asked again."""
    n, path, rng = 30 * n_kills, tmp_path / "answers.db", random.Random(3)
    with scripted(lambda body, n: Play('{"clause": "a thing"}', delay_s=0.03)) as server:
        asker = Asker(server.server(), path, n)
        text_of = {question.key: question.text for question in made_questions(n)}
        paid: list[dict[str, int]] = []  # after each kill: text that has an answer → how often it was asked
        for _ in range(n_kills):
            target = len(server.bodies) + rng.randint(1, 25)
            pid = asker.begin()
            while len(server.bodies) < target:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.05))
            os.kill(pid, signal.SIGKILL)
            asker.wait()
            time.sleep(0.1)  # what the server has got of the killed one is counted
            with Ledger(path) as ledger:
                answered = {text_of[key] for key in ledger.known_keys()}
            paid.append({text: server.seen[text] for text in answered})
        asker.begin()
        asker.wait()
        asker.close()
        with Ledger(path) as ledger:
            assert len(ledger.known_keys()) == n
    assert len(paid[-1]) > 0
    assert all(server.seen[text] == times for after in paid for text, times in after.items())
    assert len(server.bodies) <= n + 3 * n_kills
    assert max(server.seen.values()) <= n_kills + 1 and min(server.seen.values()) == 1
