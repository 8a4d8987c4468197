"""Asking: open questions go to the server in the order of their worth, each answer into the ledger before it counts."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from features.files import locked
from features.resilience.outages import StoreUnavailableError
from features.settings import Settings
from flows.asking.answer_shards import all_answers, journal_of
from flows.asking.budget import Budget
from flows.asking.open_questions import Open, open_questions
from flows.orchestration.busy import BusyError
from flows.project.dataset import Project
from models.language.answering import answer
from models.language.encoding.asked_vectors import BATCH, PART, answer_vectors
from models.language.encoding.embed_params import Params as EmbedParams
from models.language.ledger import Ledger
from models.language.wire import LanguageServer, ServerRefusedError
from models.language.writing.answers import Question
from models.language.writing.asking_params import Params
from models.language.writing.enriching import load_task
from models.language.writing.prompt import read_prompt

if TYPE_CHECKING:
    from models.language.client import LanguageClient

logger = logging.getLogger(__name__)

PATIENCE_S = 30.0  # without an answer of the server, after which the rest is left for another time


@dataclass(kw_only=True)
class Asked:
    """What one call did. n_left: questions that are still open; stopped: why, empty when all were asked."""

    valid: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    n_left: int = 0
    stopped: str = ""

    @property
    def n_answered(self) -> int:
        """Refusals included."""
        return self.valid.total() + self.refused.total()


def vectors_model(project: Project) -> str | None:
    """Name of the model whose vectors count; None: nobody's, or the encoder `server` is off."""
    params = project.section("embed", EmbedParams)
    return params.server.model if "server" in params.encoders else None


def language_server(settings: Settings, params: Params, vectors: str | None = None) -> LanguageServer | None:
    """The server that the settings name; None: there is none, or params count nobody's answers.

    vectors: see `vectors_model`.
    """
    model = params.model or vectors
    if not settings.llm_base_url.get_secret_value() or model is None:
        return None
    return LanguageServer(
        base_url=settings.llm_base_url.get_secret_value(),
        api_key=settings.llm_api_key,
        model=settings.llm_model or model,
        price_in=settings.llm_price_in,
        price_out=settings.llm_price_out,
        concurrency=settings.llm_concurrency,
        deadline_s=settings.llm_deadline_s,
    )


def open_now(project: Project, settings: Settings, params: Params, part: str | None = None) -> Open:
    """What is open, by the answers of the folder and of the ledger."""
    with Ledger(journal_of(settings)) as ledger:
        return open_questions(project, params, all_answers(project, ledger.table()), part, vectors_model(project))


def ask(
    project: Project,
    settings: Settings,
    params: Params,
    server: LanguageServer,
    budget: Budget,
    part: str | None = None,
    *,
    patience_s: float = PATIENCE_S,
) -> Asked:
    """Asks what is open; answers are in the ledger when it returns, however it ends.

    Raises:
        BusyError: another call asks already.
    """
    with (
        locked(settings.home / "answers.lock", _busy),
        Ledger(journal_of(settings)) as ledger,
    ):
        opened = open_questions(project, params, all_answers(project, ledger.table()), part, vectors_model(project))
        from models.language.client import LanguageClient  # openai takes a second to import

        asking = Asking(LanguageClient(server, params.sampling()), opened, budget, ledger, patience_s)
        return asyncio.run(asking.run())


def _busy(holder: str) -> BusyError:
    return BusyError(f"ask: another `recops ask` or run asks already (process {holder}); wait for it to end")


class Asking:
    """One call: as many workers as the server takes requests share the questions."""

    def __init__(
        self, client: LanguageClient, opened: Open, budget: Budget, ledger: Ledger, patience_s: float = PATIENCE_S
    ) -> None:
        self._client, self._opened, self._budget, self._ledger = client, opened, budget, ledger
        self._patience_s, self._out_since = patience_s, 0.0
        self._batches: Iterator[list[Question]] = batches(opened.questions)
        self._asked = Asked()
        self._tasks = {name: (load_task(name), read_prompt(name)) for name in opened.tokens_out if name != PART}

    async def run(self) -> Asked:
        """All workers, until nothing is left or a limit is reached."""
        began = time.monotonic()
        try:
            await asyncio.gather(*(self._work() for _ in range(self._client.server.concurrency)))
        finally:
            await self._client.close()
        self._asked.seconds = time.monotonic() - began
        self._asked.tokens, self._asked.cost = self._budget.tokens, self._budget.cost
        self._asked.n_left = len(self._opened.questions) - self._asked.n_answered
        return self._asked

    async def _work(self) -> None:
        while not self._asked.stopped and (batch := next(self._batches, None)) is not None:
            estimates = [self._opened.estimate(question) for question in batch]
            tokens = sum(one[0] for one in estimates), sum(one[1] for one in estimates)
            reserved = (sum(tokens), self._client.server.price(*tokens))
            if limit := self._budget.reserve(*reserved):
                self._asked.stopped = f"the budget is spent ({limit})"
                return
            rows = await self._answer(batch)
            for row in rows:
                self._ledger.record(row)
                (self._asked.valid if row["valid"] else self._asked.refused)[row["part"]] += 1
            spent = (sum(row["tokens_in"] + row["tokens_out"] for row in rows), sum(row["price"] for row in rows))
            self._budget.settle(reserved, spent)
            if self._asked.n_answered % 50 < len(rows):
                logger.info("answered=%d of %d", self._asked.n_answered, len(self._opened.questions))

    async def _answer(self, batch: list[Question]) -> list[dict[str, Any]]:
        """The rows of a batch; none: the server is gone or refuses us, and all stop."""
        while not self._asked.stopped:
            try:
                if batch[0].part == PART:
                    rows = await answer_vectors(self._client, self._opened.vectors_model, batch)
                else:
                    rows = [await answer(self._client, *self._tasks[batch[0].part], batch[0])]
            except StoreUnavailableError as error:
                self._out_since = self._out_since or time.monotonic()
                if time.monotonic() - self._out_since >= self._patience_s:
                    self._asked.stopped = str(error)
                else:
                    await asyncio.sleep(min(1.0, self._patience_s / 10))
            except ServerRefusedError as error:
                self._asked.stopped = str(error)
            else:
                self._out_since = 0.0
                return rows
        return []


def batches(questions: Iterable[Question]) -> Iterator[list[Question]]:
    """Each question by itself, but up to BATCH questions for a vector that follow each other together."""
    for is_vector, group in itertools.groupby(questions, key=lambda question: question.part == PART):
        same = list(group)
        step = BATCH if is_vector else 1
        for start in range(0, len(same), step):
            yield same[start : start + step]
