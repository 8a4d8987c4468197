"""A conversation with a release: what messages mean, whether items hold it, how long a turn takes, what is invented.

300 messages are made from the catalogue's own columns, so that what they mean is known; the hand-written ones of
tests/behaviour/chat are scored beside them. 200 of 1,000 answers come under a scripted server that invents.

    python -m benchmarks.chat [--home .recops]

The home is copied as far as it is needed; without one a small simulated release is made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chat_made import MadeMessage, made_messages
from models.language.conversation.replies import FILE as REPLIES
from models.language.grounding import ungrounded
from tests.support.chat_messages import Counts, rental_shop, score
from tests.support.language_server import Play, scripted

N_MESSAGES, N_ANSWERS, N_INVENTING = 300, 1000, 200
K = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat", description=__doc__)
    parser.add_argument("--home", type=Path, default=None, help="a RECOPS_HOME on SQLite with a live release")
    given = parser.parse_args()
    lexicon = rental_shop()
    for language in ("en", "de", "zh", "later"):
        print(f"hand-written, {language}: F1 {score(language, lexicon)[0].f1:.3f}")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        if given.home is None:
            _small(Path(scratch) / "made", home)
        else:
            _copy(given.home, home)
        with _client(home) as client:
            messages = made_messages(client.runtime, N_MESSAGES)
            _understanding(client, messages)
            _times(client, messages)
            invented = sum(_invented(client, messages[n % len(messages)]) for n in range(N_ANSWERS - N_INVENTING))
        inventing = json.dumps({"like": ["The Moon Emperor"], "include": ["unicorns"], "text": "by Ada Quill, 1987"})
        with (
            scripted(
                lambda body, n: Play(inventing if n % 2 else "See The Moon Emperor by Ada Quill, 1987!")
            ) as server,
            _client(home, **server.settings(), RECOPS_LLM_MODEL="m") as client,
        ):
            invented += sum(_invented(client, messages[n % len(messages)]) for n in range(N_INVENTING))
        print(
            f"answers with an invented item or name: {invented} of {N_ANSWERS}, {N_INVENTING} under an inventing server"
        )


def _understanding(client: Any, messages: list[MadeMessage]) -> None:
    counts, n_items, n_held, n_relaxed = Counts(), 0, 0, 0
    for message in messages:
        answer = _chat(client, message.text)
        intent = answer["intent"]
        found = {f"{slot}: {value}" for slot in ("like", "include", "exclude") for value in intent[slot]}
        found |= {f"{one['column']} {one['op']} {one['value']:g}" for one in intent["numbers"]}
        counts.add(found, message.slots)
        if not message.allowed:
            n_relaxed += 1
            continue
        held = [item["item_id"] in message.allowed for item in answer["items"]]
        n_items, n_held = n_items + len(held), n_held + sum(held)
    print(f"made messages: F1 {counts.f1:.3f} ({counts.right} right, {counts.wrong} wrong, {counts.missed} missed)")
    print(f"items that hold what was asked: {n_held} of {n_items} ({n_relaxed} messages that no item holds left out)")


def _times(client: Any, messages: list[MadeMessage]) -> None:
    for path, body in (("/recommend", {}), ("/chat", {"message": "hello"})):
        client.post(path, json={"user_id": "warm", **body})
    users = client.runtime.serving().users["user_id"].to_list()
    chats, lists = [], []
    for number, message in enumerate(messages):
        user_id = users[number % len(users)]
        for path, body, times in (("/recommend", {}, lists), ("/chat", {"message": message.text}, chats)):
            started = time.perf_counter()
            client.post(path, json={"user_id": user_id, "k": K, **body})
            times.append((time.perf_counter() - started) * 1000)
    beyond = np.array(chats) - np.array(lists)
    for share in (50, 99):
        of_both = f"/recommend {np.percentile(lists, share):.1f} ms, /chat {np.percentile(chats, share):.1f} ms"
        print(f"p{share}: {of_both}; a chat beyond the list of the same user {np.percentile(beyond, share):.1f} ms")


def _invented(client: Any, message: MadeMessage) -> bool:
    """Whether an answer has an item that the catalogue lacks, or a reply that names what was not given."""
    answer = _chat(client, message.text)
    vocabulary = client.runtime.serving().recommender.catalogue.vocabulary
    if any(item["item_id"] not in vocabulary for item in answer["items"]):
        return True
    facts = {
        "titles": [item["title"] for item in answer["items"]],
        "intent": answer["intent"],
        "n": len(answer["items"]),
    }
    own = [told for words in tomllib.loads(REPLIES.read_text(encoding="utf-8")).values() for told in words.values()]
    return bool(ungrounded(answer["reply"], {**facts, "said": own, "message": message.text, "liked": message.titles}))


def _chat(client: Any, text: str) -> dict[str, Any]:
    reply = client.post("/chat", json={"user_id": "somebody", "message": text, "k": K})
    if reply.status_code != 200:
        raise SystemExit(f"{text!r}: {reply.status_code} {reply.text}")
    answer: dict[str, Any] = reply.json()
    return answer


def _small(folder: Path, home: Path) -> None:
    from features.settings import Settings
    from tests.support.small_release import make_bundle, release

    release(make_bundle(folder), Settings(home=home), "r1")


def _copy(home: Path, to: Path) -> None:
    """The releases of a home and their online stores."""
    for name in ("releases", "online"):
        shutil.copytree(home / name, to / name, symlinks=False)
    if (home / "HISTORY").exists():
        shutil.copy(home / "HISTORY", to)


@contextmanager
def _client(home: Path, **environment: str) -> Iterator[Any]:
    """The service in this process, on a home with a live release."""
    from starlette.testclient import TestClient

    from features.settings import Settings
    from services.access.middleware import AccessMiddleware
    from services.app import labels_of, make_app
    from services.runtime import Runtime

    for name in [name for name in os.environ if name.startswith("RECOPS_")]:
        del os.environ[name]
    os.environ.update(environment, RECOPS_HOME=str(home), RECOPS_DEADLINE_MS="30000")
    settings = Settings()
    app = make_app()
    app.state.runtime = Runtime(settings)
    app.state.runtime.live.start()
    gate = AccessMiddleware(app, settings, labels=labels_of(app))
    with TestClient(gate, base_url="http://127.0.0.1:3000", raise_server_exceptions=False) as client:
        client.runtime = app.state.runtime
        yield client
    app.state.runtime.close()


if __name__ == "__main__":
    main()
