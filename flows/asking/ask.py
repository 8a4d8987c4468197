"""Asking: open questions go to the server in the order of their worth, each answer into the ledger before it counts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
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


def language_server(settings: Settings, params: Params) -> LanguageServer | None:
    """The server that the settings name; None: there is none, or params count nobody's answers."""
    if not settings.llm_base_url.get_secret_value() or params.model is None:
        return None
    return LanguageServer(
        base_url=settings.llm_base_url.get_secret_value(),
        api_key=settings.llm_api_key,
        model=settings.llm_model or params.model,
        price_in=settings.llm_price_in,
        price_out=settings.llm_price_out,
        concurrency=settings.llm_concurrency,
        deadline_s=settings.llm_deadline_s,
    )


def open_now(project: Project, settings: Settings, params: Params, part: str | None = None) -> Open:
    """What is open, by the answers of the folder and of the ledger."""
    with Ledger(journal_of(settings)) as ledger:
        return open_questions(project, params, all_answers(project, ledger.table()), part)


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
        opened = open_questions(project, params, all_answers(project, ledger.table()), part)
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
        self._questions: Iterator[Question] = iter(opened.questions)
        self._asked = Asked()
        self._tasks = {name: (load_task(name), read_prompt(name)) for name in opened.tokens_out}

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
        while not self._asked.stopped and (question := next(self._questions, None)) is not None:
            tokens = self._opened.estimate(question)
            reserved = (sum(tokens), self._client.server.price(*tokens))
            if limit := self._budget.reserve(*reserved):
                self._asked.stopped = f"the budget is spent ({limit})"
                return
            row = await self._answer(question)
            if row is None:
                self._budget.settle(reserved, (0, 0.0))
                return
            self._ledger.record(row)
            self._budget.settle(reserved, (row["tokens_in"] + row["tokens_out"], row["price"]))
            (self._asked.valid if row["valid"] else self._asked.refused)[question.part] += 1
            if self._asked.n_answered % 50 == 0:
                logger.info("answered=%d of %d", self._asked.n_answered, len(self._opened.questions))

    async def _answer(self, question: Question) -> dict[str, Any] | None:
        """The row of a question; None: the server is gone or refuses us, and all stop."""
        task, prompt = self._tasks[question.part]
        while not self._asked.stopped:
            try:
                row = await answer(self._client, task, prompt, question)
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
                return row
        return None
