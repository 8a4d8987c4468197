"""Replay test: the built Bento, asked over HTTP, must give the answers of the offline evaluation."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import RefusedError
from flows.orchestration import processes
from flows.releasing.questions import Difference, K, Question

logger = logging.getLogger(__name__)

READY_TIMEOUT_S = 180
ROUNDED_SHARE = 0.005  # greatest share of lists that may differ by rounding: the service computes scores by other code


def replay(
    bento: Path,
    environment: Mapping[str, str],
    scratch: Path,
    asked: Sequence[Question],
    unexplained: Callable[[Sequence[Difference]], Sequence[Difference]],
) -> int:
    """Starts the Bento in its own process, asks all queries and compares the answers; returns the number of queries.

    environment: the RECOPS_* that the server gets: a home with nothing in it but this release as of the test cut;
    unexplained: those of some differences that rounding does not explain, as `beyond_rounding`.

    Raises:
        RefusedError: the server does not become ready, one answer differs by more than rounding, or more than
            `ROUNDED_SHARE` of them differ by it (query, found, expected).
    """
    with serving(bento, environment, scratch) as address:
        differences = list(compare(address, asked, K))
    if differences:
        judge(f"Bento {bento.parent.name}:{bento.name}", len(asked), differences, unexplained(differences))
    return len(asked)


def judge(name: str, n_asked: int, differences: Sequence[Difference], unexplained: Sequence[Difference]) -> None:
    """Prints how many answers differ; unexplained: those of them that rounding does not explain.

    Raises:
        RefusedError: there is an unexplained one, or rounding changes more than `ROUNDED_SHARE` of the lists.
    """
    n_rounded = len(differences) - len(unexplained)
    logger.warning(
        "replay: %d of %d lists differ, %d of them by rounding, e.g. %s",
        len(differences),
        n_asked,
        n_rounded,
        differences[0],
    )
    too_many = n_rounded > math.ceil(ROUNDED_SHARE * n_asked)
    refused = differences if too_many else unexplained
    if refused:
        raise RefusedError(
            f"replay of {name}: {len(refused)} of {n_asked} test queries are answered otherwise than offline, e.g. "
            f"{refused[0]}; the service and data/evaluation disagree: nothing was put live"
        )


def compare(address: str, asked: Sequence[Question], k: int) -> Iterator[Difference]:
    """Each query whose answer over HTTP is another than offline."""
    import httpx

    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        for question in asked:
            try:
                reply = client.post("/recommend", json={"user_id": question.user_id, "k": k})
            except httpx.HTTPError as error:
                yield Difference(question, f"no answer ({error!r})")
                continue
            found = tuple(items_of(reply)) if reply.status_code == 200 else refusal_of(reply)
            if found != question.expected:
                yield Difference(question, found)


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
