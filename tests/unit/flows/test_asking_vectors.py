"""Asking for vectors: many texts a request, each in the ledger, nothing twice, within the budget."""

from __future__ import annotations

import asyncio

import numpy as np
import polars as pl

from flows.asking.ask import Asking, batches
from flows.asking.budget import Budget
from flows.asking.open_questions import TOKENS_OUT, Open
from models.language.client import LanguageClient
from models.language.encoding.asked_vectors import PART, vector_questions
from models.language.ledger import Ledger
from tests.support.language_server import Play, scripted
from tests.support.made_questions import made_questions

N = 70
ITEMS = pl.DataFrame({"item_id": [f"i{n}" for n in range(N)], "text": [f"thing number {n}" for n in range(N)]})
QUESTIONS = vector_questions(ITEMS, np.arange(N), "e5")


def ask(server, path, questions=QUESTIONS, **limits):
    with Ledger(path) as ledger:
        known = ledger.known_keys()
        opened = Open([one for one in questions if one.key not in known], len(known), dict(TOKENS_OUT), "e5")

        async def run():
            client = LanguageClient(server.server(concurrency=2), {"max_tokens": 100}, tries=1)
            return await Asking(client, opened, Budget(**limits), ledger, 0.0).run()

        return asyncio.run(run()), ledger.table()


def test_vectors_are_asked_for_many_at_a_time_and_texts_one_by_one():
    mixed = [*made_questions(2), *QUESTIONS[:40]]
    assert [len(batch) for batch in batches(mixed)] == [1, 1, 32, 8]


def test_each_text_is_sent_once_and_in_the_ledger(tmp_path):
    with scripted(lambda body, n: Play()) as server:
        asked, rows = ask(server, tmp_path / "answers.db")
        again, _ = ask(server, tmp_path / "answers.db")
    assert sorted(len(body["input"]) for body in server.bodies) == [6, 32, 32]
    assert asked.valid[PART] == rows.height == N and asked.n_left == 0 and asked.tokens == 10 * N
    assert again.n_answered == 0


def test_a_budget_stops_between_requests_and_the_rest_is_asked_next_time(tmp_path):
    """A text of 14 or 15 characters is estimated at 4 tokens, a request of 32 at 128; it took 320."""
    with scripted(lambda body, n: Play()) as server:
        asked, _ = ask(server, tmp_path / "answers.db", max_tokens=300)
        assert "--max-tokens 300" in asked.stopped and asked.n_left == N - asked.n_answered > 0
        rest, rows = ask(server, tmp_path / "answers.db")
    assert asked.n_answered + rest.n_answered == N == rows.height


def test_a_server_that_gives_half_of_the_vectors_gave_none(tmp_path):
    with scripted(lambda body, n: Play(half=True)) as server:
        asked, rows = ask(server, tmp_path / "answers.db")
    assert rows.is_empty() and asked.n_left == N and "does not answer" in asked.stopped
