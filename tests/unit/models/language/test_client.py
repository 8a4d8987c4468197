"""The client against slow, failing, rubbish-speaking, rate-limiting and half-answering servers."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from features.resilience import outages
from features.resilience.outages import StoreUnavailableError
from models.language.client import LanguageClient, _retry_after
from models.language.wire import QuestionRefusedError, ServerRefusedError
from tests.support.language_server import KEY, Play, scripted

MESSAGES = [{"role": "system", "content": "s"}, {"role": "user", "content": "<data>\n{}\n</data>"}]
SAMPLING = {"temperature": 0.0, "max_tokens": 50}


def complete(script, *, n=1, schema=None, tries=4, **more):
    """Replies of n requests sent together, the pauses between tries, and the server."""
    pauses: list[float] = []

    async def no_sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def ask(server):
        client = LanguageClient(server.server(**more), SAMPLING, tries=tries, sleep=no_sleep, draw=lambda: 0.5)
        try:
            return await asyncio.gather(*(client.complete(MESSAGES, schema) for _ in range(n)), return_exceptions=True)
        finally:
            await client.close()

    with scripted(script) as server:
        replies = asyncio.run(ask(server))
    return replies, pauses, server


def test_a_reply_is_streamed_whole_with_the_counts_of_the_server():
    (reply,), pauses, server = complete(lambda body, n: Play("x" * 95))
    assert (reply.text, reply.finish, reply.tokens_in, reply.tokens_out) == ("x" * 95, "stop", 100, 10)
    assert pauses == [] and server.bodies[0]["stream"] is True and server.bodies[0]["max_tokens"] == 50
    told = set(server.headers[0]) & {"x-stainless-os", "x-stainless-arch", "openai-organization", "openai-project"}
    assert told == set()
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "fault",
    [Play(status=500), Play(status=503), Play("abcd", half=True), Play(rubbish=True)],
    ids=lambda f: str(f)[:40],
)
def test_what_fails_once_is_asked_again_after_a_pause_with_jitter(fault):
    (reply,), pauses, server = complete(lambda body, n: Play("ok") if n else fault)
    assert reply.text == "ok" and len(server.bodies) == 2
    assert pauses == [0.5]  # 0.5 * 2**0 * (0.5 + 0.5)


def test_pauses_grow_and_heed_retry_after():
    limited = Play(status=429, headers={"Retry-After": "7"})
    (reply,), pauses, _ = complete(lambda body, n: [limited, Play(status=500), Play(status=500), Play("ok")][n])
    assert reply.text == "ok" and pauses == [7.0, 1.0, 2.0]


def test_retry_after_may_be_a_date_and_nonsense_is_none():
    assert _retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert _retry_after("Wed, 21 Oct 2099 07:28:00 GMT") > 1e8
    assert [_retry_after(value) for value in (None, "soon", "nan", "-3", "2.5")] == [0.0, 0.0, 0.0, 0.0, 2.5]


def test_a_server_that_asks_for_a_long_rest_gets_it():
    limited = Play(status=429, headers={"Retry-After": "7200"})
    (error,), pauses, server = complete(lambda body, n: limited)
    assert isinstance(error, ServerRefusedError) and "asks to wait 7200 s (status 429)" in str(error)
    assert pauses == [] and len(server.bodies) == 1


def test_a_slow_server_meets_the_deadline():
    began = time.monotonic()
    (error,), _, server = complete(lambda body, n: Play("late", delay_s=1.0), deadline_s=0.2, tries=2)
    assert isinstance(error, StoreUnavailableError) and "no whole answer in 0.2 s" in str(error)
    assert time.monotonic() - began < 3 and len(server.bodies) == 2


def test_a_server_that_does_not_stop_is_cut():
    (reply,), _, _ = complete(lambda body, n: Play("y" * 5000))
    assert reply.finish == "length" and len(reply.text) <= 16 * 50 + 40


def test_no_more_requests_at_a_time_than_the_setting():
    at_once, most = [0], [0]

    def script(body, n):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.05)
        at_once[0] -= 1
        return Play("ok")

    replies, _, _ = complete(script, n=8, concurrency=2)
    assert [reply.text for reply in replies] == ["ok"] * 8 and most[0] <= 2


def test_a_server_without_response_format_is_asked_without_it_from_then_on():
    def old(body, n):
        return Play(status=400) if "response_format" in body else Play("{}")

    (reply,), _, server = complete(old, schema={"title": "T", "type": "object"})
    assert reply.text == "{}"
    assert [("response_format" in body) for body in server.bodies] == [True, False]
    assert server.bodies[0]["response_format"]["json_schema"]["name"] == "T"


def test_a_question_that_is_refused_is_not_sent_again():
    (error,), _, server = complete(lambda body, n: Play(status=413))
    assert isinstance(error, QuestionRefusedError) and len(server.bodies) == 1


def test_a_wrong_key_stops_at_once_without_telling_it():
    (error,), _, server = complete(lambda body, n: Play(status=401))
    assert isinstance(error, ServerRefusedError) and len(server.bodies) == 1
    assert KEY not in str(error) and "401" in str(error)


def test_after_a_fault_further_questions_fail_at_once():
    (first, second), _, server = complete(lambda body, n: Play(status=500), n=2, tries=2, concurrency=1)
    assert isinstance(first, StoreUnavailableError) and isinstance(second, StoreUnavailableError)
    assert len(server.bodies) <= 4


def test_neither_key_nor_address_is_logged(caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("openai").setLevel(logging.DEBUG)
    monkeypatch.setattr(outages.repeats, "_last", {})
    _, _, server = complete(lambda body, n: Play(status=500) if n < 2 else Play("ok"))
    complete(lambda body, n: Play(status=500), tries=1)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert KEY not in text and server.base_url.removesuffix("/v1") not in text
    assert "the language server does not answer (status 500)" in text


def test_the_label_of_a_server_tells_neither_its_address_nor_a_path():
    with scripted(lambda body, n: Play()) as server:
        label = server.server().label
    assert label.startswith("tiny@") and len(label) == 13 and "127" not in label.split("@")[0]
