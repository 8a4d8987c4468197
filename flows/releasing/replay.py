"""Replay test: the built Bento, asked over HTTP, must give the answers of the offline evaluation."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import RefusedError
from features.positives import Positives
from flows.orchestration import processes
from flows.project.dataset import Project
from models.evaluation.results import RECOMMENDATIONS

N_QUERIES = 200
K = 10
READY_TIMEOUT_S = 180


@dataclass(frozen=True)
class Question:
    """A test query to replay: its user, and the items recommended offline, best first."""

    query_id: str
    user_id: str
    expected: tuple[str, ...]


def questions(recommendations: Path, n: int = N_QUERIES, k: int = K) -> list[Question]:
    """`n` test queries spread over all of them by a hash of their id, each with its first `k` items."""
    frame = RECOMMENDATIONS.read(recommendations).filter(pl.col("rank") <= k).sort("query_id", "rank")
    every = [
        Question(str(query_id), str(rows.item(0, "user_id")), tuple(rows.get_column("item_id")))
        for (query_id,), rows in frame.group_by("query_id", maintain_order=True)
    ]
    shuffled = sorted(every, key=lambda question: hashlib.sha256(question.query_id.encode()).hexdigest())
    return sorted(shuffled[:n], key=lambda question: question.query_id)


def answered_at(project: Project, bundle: Path, asked: Sequence[Question], at: int, k: int = K) -> list[Question]:
    """The same users with what the bundle recommends to them offline as of another instant [µs]."""
    from models.data.queries import queries_at
    from models.recommender import Recommender
    from models.release.plan import load_catalogue, read_plan

    catalogue = load_catalogue(bundle)
    vocabulary = catalogue.vocabulary
    queries = queries_at(
        project.interactions(),
        vocabulary,
        [question.user_id for question in asked],
        at,
        created_at=catalogue.created_at,
        positives=Positives.of(read_plan(bundle).targets),
    )
    slate = Recommender.load(bundle, project.offline_lookup(catalogue)).recommend(queries, k)
    return [
        Question(question.query_id, question.user_id, tuple(vocabulary.item_ids[item] for item in row if item >= 0))
        for question, row in zip(asked, slate.items.tolist(), strict=True)
    ]


def replay(bento: Path, environment: Mapping[str, str], scratch: Path, asked: Sequence[Question]) -> int:
    """Starts the Bento in its own process, asks all queries and compares the answers; returns the number of queries.

    environment: the RECOPS_* that the server gets: a home with nothing in it but this release as of the test cut.

    Raises:
        RefusedError: the server does not become ready, or an answer differs (query, found, expected).
    """
    with serving(bento, environment, scratch) as address:
        differences = list(compare(address, asked, K))
    if differences:
        raise RefusedError(
            f"replay of Bento {bento.parent.name}:{bento.name}: {len(differences)} of {len(asked)} test queries are "
            f"answered otherwise than offline, e.g. {differences[0]}; the service and data/evaluation disagree: "
            "nothing was put live"
        )
    return len(asked)


def compare(address: str, asked: Sequence[Question], k: int) -> Iterator[str]:
    """A sentence for each query whose answer over HTTP is another than offline."""
    import httpx

    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        for question in asked:
            try:
                reply = client.post("/recommend", json={"user_id": question.user_id, "k": k})
            except httpx.HTTPError as error:
                yield f"query '{question.query_id}': found no answer ({error!r}), expected {list(question.expected)}"
                continue
            answer = items_of(reply) if reply.status_code == 200 else refusal_of(reply)
            if answer != list(question.expected):
                yield f"query '{question.query_id}': found {answer}, expected {list(question.expected)}"


def items_of(reply: Any) -> list[str]:
    """Item ids of an answer in order."""
    return [str(item["item_id"]) for item in reply.json()["items"]]


def refusal_of(reply: Any) -> str:
    """Status and body of an error response."""
    return f"status {reply.status_code} {reply.text[:300]}"


@contextmanager
def serving(bento: Path, environment: Mapping[str, str], scratch: Path) -> Iterator[str]:
    """The Bento served on a free loopback port, offline, with nothing of the live service's environment; its address.

    Raises:
        RefusedError: it does not become ready; the message has the end of its log.
    """
    port = processes.free_port()
    address, log = f"http://127.0.0.1:{port}", scratch / "serve.log"
    # a home of its own: two servers with one BENTOML_HOME erase each other's metrics
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BENTOML_", "RECOPS_"))}
    env = {**kept, **environment, "BENTOML_HOME": str(scratch / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    env |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    command = [sys.executable, "-m", "bentoml", "serve", str(bento), "--host", "127.0.0.1", "--port", str(port)]
    process = processes.start(command, env=env, cwd=scratch, log=log)
    try:
        if not processes.wait_ready(process, f"{address}/readyz", timeout_s=READY_TIMEOUT_S):
            how = "ended" if process.poll() is not None else f"was not ready within {READY_TIMEOUT_S} s"
            raise RefusedError(
                f"replay: the Bento {bento} {how}; nothing was put live; its log ends: {processes.tail(log)}"
            )
        yield address
    finally:
        processes.stop(process)
