"""Asking within a budget, past outages, in the order of worth; what is left is asked by the next call."""

from __future__ import annotations

import json

import pytest

from features.files import locked
from features.settings import Settings
from flows.asking.ask import ask
from flows.asking.budget import Budget
from flows.asking.open_questions import TOKENS_OUT, Open, totals
from flows.orchestration.busy import BusyError
from flows.project.dataset import Project
from models.language.ledger import Ledger
from models.language.writing.prompt import read_prompt
from tests.support.language_server import Play, data_of, scripted
from tests.support.made_questions import PARAMS, ask_made, made_questions

GOOD = Play('{"clause": "a thing"}')  # costs 100 + 10 tokens


def titles(server) -> list[str]:
    return [data_of(body)["title"] for body in server.bodies]


def test_everything_is_asked_once_and_a_second_call_asks_nothing(tmp_path):
    with scripted(lambda body, n: GOOD) as server:
        first = ask_made(server.server(), tmp_path / "a.db", made_questions(12))
        second = ask_made(server.server(), tmp_path / "a.db", made_questions(12))
    assert (first.valid["reason"], first.n_left, first.stopped) == (12, 0, "")
    assert (first.tokens, first.cost) == (12 * 110, pytest.approx(12 * 120e-6))
    assert second.n_answered == 0 and len(server.bodies) == 12


def test_the_worthiest_are_asked_first_and_tokens_stop_between_requests(tmp_path):
    """A request is reserved with its estimate: a limit of 1,000 tokens is never passed."""
    questions = made_questions(12)
    estimate = sum(Open(questions, 0, dict(TOKENS_OUT)).estimate(questions[0]))
    with scripted(lambda body, n: GOOD) as server:
        asked = ask_made(server.server(concurrency=1), tmp_path / "a.db", questions, Budget(max_tokens=1000))
        assert asked.tokens == 110 * asked.n_answered <= 1000 < asked.tokens + estimate
        assert titles(server) == [f"thing {number}" for number in range(asked.n_answered)]
        assert asked.n_left == 12 - asked.n_answered and asked.stopped == "the budget is spent (--max-tokens 1000)"
        later = ask_made(server.server(), tmp_path / "a.db", questions)
    assert later.n_answered == asked.n_left and len(server.bodies) == 12


def test_money_and_time_stop_it_too(tmp_path):
    with scripted(lambda body, n: GOOD) as server:
        poor = ask_made(server.server(concurrency=1), tmp_path / "a.db", made_questions(5), Budget(max_cost=0.0))
        late = ask_made(server.server(), tmp_path / "a.db", made_questions(5), Budget(max_seconds=0.0))
    assert (poor.n_answered, late.n_answered, len(server.bodies)) == (0, 0, 0)
    assert "--max-cost 0" in poor.stopped and "--max-seconds 0" in late.stopped


def test_what_is_under_way_counts_against_the_budget():
    budget = Budget(max_tokens=100)
    assert budget.reserve(60, 0.0) == "" and budget.reserve(60, 0.0) == "--max-tokens 100"
    budget.settle((60, 0.0), (30, 0.0))
    assert budget.reserve(60, 0.0) == "" and budget.tokens == 30


def test_a_server_that_goes_away_leaves_the_rest_to_the_next_call(tmp_path):
    served = [0]

    def failing(body, n):
        served[0] += bool(body)
        return GOOD if served[0] <= 5 else Play(status=503)

    with scripted(failing) as server:
        asked = ask_made(server.server(concurrency=1), tmp_path / "a.db", made_questions(9))
        assert asked.n_answered == 5 and asked.n_left == 4
        assert asked.stopped == "the language server does not answer: status 503"
        served[0] = -100
        assert ask_made(server.server(), tmp_path / "a.db", made_questions(9)).n_answered == 4


def test_a_server_that_comes_back_is_waited_for(tmp_path):
    down = [6]

    def restarted(body, n):
        if body and down[0]:
            down[0] -= 1
            return Play(status=503)
        return GOOD

    with scripted(restarted) as server:
        asked = ask_made(server.server(), tmp_path / "a.db", made_questions(6), patience_s=20.0)
    assert asked.n_answered == 6 and asked.stopped == ""


def test_a_wrong_key_stops_all(tmp_path):
    with scripted(lambda body, n: Play(status=401)) as server:
        asked = ask_made(server.server(), tmp_path / "a.db", made_questions(50))
    assert asked.n_answered == 0 and "refuses us (status 401)" in asked.stopped and len(server.bodies) <= 4


def test_a_refusal_is_kept_and_not_asked_again(tmp_path):
    with scripted(lambda body, n: Play("I cannot")) as server:
        asked = ask_made(server.server(), tmp_path / "a.db", made_questions(3))
        again = ask_made(server.server(), tmp_path / "a.db", made_questions(3))
    assert asked.refused["reason"] == 3 and again.n_answered == 0 and len(server.bodies) == 6
    with Ledger(tmp_path / "a.db") as ledger:
        assert ledger.table()["refusal"].unique().to_list() == ["there is no JSON object in it"]


def test_the_estimate_counts_characters_and_what_answers_had(tmp_path):
    questions = made_questions(2)
    opened = Open(questions, 0, {"reason": 25})
    letters = len(read_prompt("reason").system) + len(questions[0].text)
    assert opened.estimate(questions[0]) == (-(-letters // 4), 25)
    with scripted(lambda body, n: GOOD) as server:
        n, tokens_in, tokens_out, price = totals(opened, server.server())["reason"]
    assert (n, tokens_in, tokens_out) == (2, 2 * -(-letters // 4), 50)
    assert price == pytest.approx((tokens_in + 2 * 50) / 1e6)
    assert totals(opened, None)["reason"][3] == 0.0


def test_facts_hold_no_id():
    for question in made_questions(3):
        assert question.subject not in json.dumps(question.facts) and question.subject not in question.text


def test_two_calls_of_one_home_do_not_ask_at_once(tmp_path):
    with locked(tmp_path / "answers.lock", RuntimeError), scripted(lambda body, n: GOOD) as server:
        with pytest.raises(BusyError, match="asks already"):
            ask(Project(tmp_path), Settings(home=tmp_path), PARAMS, server.server(), Budget())
        assert server.bodies == []
