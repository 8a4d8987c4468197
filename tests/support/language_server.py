"""A scripted language server on loopback: it answers, delays, fails, limits, breaks off or obeys as a test wants."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import SecretStr

from models.language.wire import LanguageServer


@dataclass(frozen=True)
class Play:
    """What happens to one request. status: 200 streams `text`; half: the stream breaks off after half of it."""

    text: str = ""
    status: int = 200
    delay_s: float = 0.0
    half: bool = False
    rubbish: bool = False
    finish: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[dict, int], Play]
KEY = "sk-secret-of-the-test"


class ScriptedServer:
    """script: (body of the request, how often the same data were asked before) → Play."""

    def __init__(self, script: Script) -> None:
        self.script, self.bodies, self.headers = script, [], []
        self.seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                play = outer.script({}, 0)
                self.send_response(play.status)
                self.end_headers()
                self.wfile.write(b'{"object": "list", "data": []}')

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    n = outer.seen[asked_about(body)]
                    outer.seen[asked_about(body)] += 1
                    outer.bodies.append(body)
                    outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                play = outer.script(body, n)
                with suppress(BrokenPipeError, ConnectionResetError):  # the caller is gone
                    self._answer(play, body)

            def _answer(self, play: Play, body: dict) -> None:
                time.sleep(play.delay_s)
                if "input" in body and play.status == 200:
                    self._vectors(play, body["input"])
                    return
                self.send_response(play.status)
                for name, value in play.headers.items():
                    self.send_header(name, value)
                if play.status != 200:
                    self.end_headers()
                    self.wfile.write(json.dumps({"error": {"message": f"no, {KEY}"}}).encode())
                    return
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                if play.rubbish:
                    self.wfile.write(b"data: <html>not JSON\n\n")
                    return
                text = play.text[: len(play.text) // 2] if play.half else play.text
                for start in range(0, len(text), 40):
                    self._chunk({"delta": {"content": text[start : start + 40]}})
                if play.half:
                    return
                self._chunk({"delta": {}, "finish_reason": play.finish})
                usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
                self._event({"choices": [], "usage": usage})
                self.wfile.write(b"data: [DONE]\n\n")

            def _vectors(self, play: Play, texts: list[str]) -> None:
                rows = [
                    {"index": n, "embedding": vector_of(text), "object": "embedding"} for n, text in enumerate(texts)
                ]
                answered = rows[: len(rows) // 2] if play.half else rows[::-1]  # the order is the server's own
                whole = {"object": "list", "model": "m", "data": answered}
                whole["usage"] = {"prompt_tokens": 10 * len(texts), "total_tokens": 10 * len(texts)}
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(whole).encode())

            def _chunk(self, choice: dict) -> None:
                self._event({"choices": [{"index": 0, **choice}]})

            def _event(self, more: dict) -> None:
                chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", **more}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def server(self, **more: object) -> LanguageServer:
        """How the client is told of it; a million tokens cost 1 to read and 2 to write."""
        given = {"price_in": 1.0, "price_out": 2.0, "deadline_s": 5.0, **more}
        return LanguageServer(base_url=self.base_url, api_key=SecretStr(KEY), model="tiny", **given)

    def settings(self) -> dict[str, str]:
        """The same as variables of the environment."""
        return {
            "RECOPS_LLM_BASE_URL": self.base_url,
            "RECOPS_LLM_API_KEY": KEY,
            "RECOPS_LLM_PRICE_IN": "1",
            "RECOPS_LLM_PRICE_OUT": "2",
        }


@contextmanager
def scripted(script: Script) -> Iterator[ScriptedServer]:
    server = ScriptedServer(script)
    try:
        yield server
    finally:
        server.close()


def vector_of(text: str) -> list[float]:
    """Eight numbers for a text: how many of its characters fall into each of as many classes, and always one."""
    counts = Counter(ord(character) % 8 for character in text)
    return [1.0 + counts[place] for place in range(8)]


def asked_about(body: dict) -> str:
    """The data block of a request, or the texts of one for vectors."""
    if "input" in body:
        return json.dumps(body["input"])
    return next((message["content"] for message in body.get("messages", []) if message["role"] == "user"), "")


def data_of(body: dict) -> dict:
    """The facts in it."""
    return json.loads(re.search(r"<data>\n(.*)\n</data>", asked_about(body), re.DOTALL)[1])


def part_of(body: dict) -> str:
    """The part that a prompt is of, by the answer that it asks for."""
    system = body["messages"][0]["content"]
    marks = {
        "keywords": '"moods"',
        "description": '{"description"',
        "prior_popularity": '{"known"',
        "profile": '{"profile"',
        "reason": '{"clause"',
    }
    return next(part for part, mark in marks.items() if mark in system)


def honest(body: dict, n: int) -> Play:
    """Says nothing but what stands in the data."""
    return Play(honest_text(body)) if "messages" in body else Play()


def honest_text(body: dict) -> str:
    facts, part = data_of(body), part_of(body)
    first = str(facts.get("category") or (facts.get("keywords") or facts.get("tags") or ["thing"])[0]).lower()
    answers = {
        "keywords": {"keywords": [first, f"{first} for everyone"], "moods": ["calm"]},
        "description": {"description": f"This is about {first}. It suits many."},
        "prior_popularity": {"known": 7},
        "profile": {"profile": f"Likes {first}. Lately more of it.", "likes": [first]},
        "reason": {"clause": f"a calm {first}"},
    }
    return json.dumps(answers[part])
