"""Open questions: what no answer, refusal or recent profile covers, the worthiest first; estimates of their price."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from features.errors import UserError
from features.schema import CATALOGUE, LOG
from flows.project.dataset import Project
from models.language.encoding.asked_vectors import PART, vector_questions
from models.language.tasks import TASKS
from models.language.wire import LanguageServer, tokens_of
from models.language.writing.answers import Question
from models.language.writing.asking_params import Params
from models.language.writing.enriching import Known, load_task, questions, times_of
from models.language.writing.material import make_material
from models.language.writing.prompt import read_prompt

TOKENS_OUT = {PART: 0, "keywords": 60, "description": 80, "prior_popularity": 8, "profile": 120, "reason": 25}
"""Of an answer, where the ledger knows none of the part yet."""


@dataclass(frozen=True)
class Open:
    """Questions in the order of their worth, each once; n_answered: those that the answers cover already."""

    questions: list[Question]
    n_answered: int
    tokens_out: dict[str, float]
    vectors_model: str = ""

    @cached_property
    def _prompt_lengths(self) -> dict[str, int]:
        """In characters, by part: each prompt is read once."""
        parts = {question.part for question in self.questions} - {PART}
        return {part: len(read_prompt(part).system) for part in parts} | {PART: 0}

    def estimate(self, question: Question) -> tuple[int, int]:
        """Tokens in and out of one question, roughly."""
        n_characters = self._prompt_lengths[question.part] + len(question.text)
        return tokens_of(n_characters), round(self.tokens_out[question.part])


def open_questions(
    project: Project,
    params: Params,
    answers: pl.DataFrame,
    part: str | None = None,
    vectors_model: str | None = None,
) -> Open:
    """part: only that one; answers: ANSWERS of the folder and of the ledger; vectors_model: whose vectors are wanted.

    Raises:
        UserError: the catalogue is not made yet, or the part is none.
    """
    if part is not None and part not in (*TASKS, PART):
        raise UserError(f"ask: there is no part '{part}'; choose one of {', '.join((*TASKS, PART))}")
    wanted = [name for name in TASKS if name in params.parts and part in (None, name)]
    if not (project.paths.catalogue / "catalogue.parquet").is_file():
        raise UserError("ask: there is no catalogue yet to ask about; run `recops run --until clean` first")
    logs = {name: LOG.read(project.paths.log / f"{name}.parquet") for name in ("train", "full")}
    catalogue = CATALOGUE.read(project.paths.catalogue / "catalogue.parquet")
    material = make_material(catalogue, logs["train"], logs["full"], project.positives(), params.n_keywords)
    known, n_answered = Known(answers), 0
    by_key: dict[str, Question] = {}
    for name in wanted:
        task = load_task(name)
        for question, times in zip(questions(task, material, params), times_of(task, material), strict=True):
            if question is not None and known.row(question, times) is None:
                by_key.setdefault(question.key, question)
            elif question is not None:
                n_answered += 1
    if vectors_model and part in (None, PART):
        for question in vector_questions(catalogue, material.demand, vectors_model):
            if known.row(question) is None:
                by_key.setdefault(question.key, question)
            else:
                n_answered += 1
    ordered = sorted(by_key.values(), key=lambda question: question.worth)
    return Open(ordered, n_answered, _tokens_out(answers), vectors_model or "")


def _tokens_out(answers: pl.DataFrame) -> dict[str, float]:
    """Mean tokens of an answer by part, as the ledger has them."""
    means = answers.group_by("part").agg(pl.col("tokens_out").mean())
    return TOKENS_OUT | {str(name): float(mean) for name, mean in means.iter_rows()}


def totals(opened: Open, server: LanguageServer | None) -> dict[str, tuple[int, int, int, float]]:
    """Part → number of questions, tokens in and out, price; without a server the price is 0."""
    sums: dict[str, tuple[int, int, int, float]] = {}
    for question in opened.questions:
        tokens_in, tokens_out = opened.estimate(question)
        n, all_in, all_out, price = sums.get(question.part, (0, 0, 0, 0.0))
        more = server.price(tokens_in, tokens_out) if server else 0.0
        sums[question.part] = (n + 1, all_in + tokens_in, all_out + tokens_out, price + more)
    return sums
