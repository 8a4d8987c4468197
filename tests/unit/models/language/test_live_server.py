"""The wire to a real server: streamed, counted, and whatever it says is either valid or refused with a reason."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from models.language.answering import answer
from models.language.client import LanguageClient
from models.language.wire import LanguageServer
from models.language.writing.enriching import load_task
from models.language.writing.prompt import read_prompt
from tests.support.live_language_server import live_server, missing, write_model
from tests.support.made_questions import made_questions

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())} (docs/language.md)"),
]


def test_a_135m_model_is_heard_and_judged(tmp_path):
    write_model(tmp_path / "model")
    (question,) = made_questions(1, "prior_popularity")

    async def ask(base_url: str):
        server = LanguageServer(
            base_url=base_url, api_key=SecretStr(""), model=str(tmp_path / "model"), price_in=1.0, deadline_s=600
        )
        client = LanguageClient(server, {"temperature": 0.0, "max_tokens": 12}, tries=1)
        try:
            task = load_task("prior_popularity")
            hello = await client.complete([{"role": "user", "content": "Say hello."}])
            return hello, await answer(client, task, read_prompt("prior_popularity"), question)
        finally:
            await client.close()

    with live_server(tmp_path / "model") as base_url:
        hello, row = asyncio.run(ask(base_url))
    assert hello.text and hello.finish in ("stop", "length") and 0 < hello.tokens_out <= 12
    assert (
        row["tokens_in"] > 100 and row["n_requests"] in (1, 2) and row["price"] == pytest.approx(row["tokens_in"] / 1e6)
    )
    assert row["valid"] == (row["refusal"] is None) == (row["answer"] is not None)
    assert str(tmp_path) not in row["server"]
