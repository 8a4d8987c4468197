"""`recops chat`: a conversation over HTTP with a running service, as a person sees it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from features.errors import UserError
from flows.conversing.talking import Talk


@pytest.fixture
def address(shared):
    """The service in this process behind a real socket."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = shared.post(self.path, content=body, headers={"Content-Type": "application/json"})
            self.send_response(reply.status_code)
            self.end_headers()
            self.wfile.write(reply.content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_person_sees_the_reply_and_the_items_and_goes_on(address):
    talk = Talk(address, "somebody", k=3)
    first = talk.say("a romance")
    assert first[0].startswith("Here are 3: romance.")
    assert [line.split()[0] for line in first[1:]] == ["1", "2", "3"]
    assert talk.say("without trains")[0].startswith("Here are 3: romance, without trains.")


def test_a_refusal_and_a_silent_service_are_told_in_a_sentence(address):
    with pytest.raises(UserError, match="message"):
        Talk(address, "somebody").say("")
    with pytest.raises(UserError, match="recops serve"):
        Talk("http://127.0.0.1:9", "somebody").say("hello")
    with pytest.raises(UserError, match="--url"):
        Talk("localhost:3000", "somebody")
