"""Enriching: the text of every part for every subject, by answers where there are valid ones, else by local methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import polars as pl

from models.language.tasks import TASKS
from models.language.writing.answers import Question, asker_of, key_of
from models.language.writing.asking_params import Params
from models.language.writing.material import NEWEST, Material
from models.language.writing.prompt import data_block, read_prompt
from models.language.writing.task import LanguageTask, Written

RENEWED = 0.2  # share of the last NEWEST acts that must be new before a user is asked about again


@dataclass(frozen=True, kw_only=True)
class Part:
    """What was written of all subjects. asked: which of them a model wrote; keys: of the answers that count."""

    task: LanguageTask
    subjects: list[str]
    written: list[Written | None]
    asked: list[bool]
    as_of: list[int | None]
    keys: list[str]


def load_task(name: str) -> LanguageTask:
    """A part by its name."""
    module, _, attribute = TASKS[name].partition(":")
    return cast(LanguageTask, getattr(import_module(module), attribute)())


def subjects_of(task: LanguageTask, material: Material) -> list[str]:
    """Ids, in the order of the material."""
    table, column = (material.items, "item_id") if task.subjects == "items" else (material.histories, "user_id")
    return table.get_column(column).to_list()


def questions(task: LanguageTask, material: Material, params: Params) -> list[Question | None]:
    """The question of each subject, None where nothing is to be asked."""
    if params.model is None or task.name not in params.parts:
        return [None] * len(subjects_of(task, material))
    asker = asker_of(params, read_prompt(task.name), task.Answer)
    newest: Sequence[int | None] = (
        material.histories.get_column("times").list.first().to_list()
        if task.subjects == "users"
        else [None] * material.items.height
    )
    is_bare = material.items.get_column("description").fill_null("").eq("").to_list()
    asked: list[Question | None] = []
    for place, (subject, facts) in enumerate(
        zip(subjects_of(task, material), task.facts(material, params), strict=True)
    ):
        if facts is None:
            asked.append(None)
            continue
        text = data_block(facts)
        asked.append(
            Question(
                key=key_of(asker, text),
                asker=asker,
                part=task.name,
                subject=subject,
                facts=facts,
                text=text,
                as_of=newest[place],
                worth=_worth(task, material, place, is_bare),
            )
        )
    return asked


def _worth(task: LanguageTask, material: Material, place: int, is_bare: Sequence[bool]) -> tuple[float, ...]:
    """Items without text first, then new ones, then by demand; then users, whoever acted last first."""
    order = list(TASKS).index(task.name)
    if task.subjects == "users":
        return (3, place, order)
    demand = int(material.demand[place])
    tier = 0 if is_bare[place] else 1 if not demand else 2
    return (tier, -demand, place, order)


class Known:
    """Answers by what they are looked up with; instants in µs."""

    def __init__(self, answers: pl.DataFrame) -> None:
        rows = answers.with_columns(pl.col("as_of").dt.epoch("us")).sort("as_of", nulls_last=False).to_dicts()
        self._by_key = {row["key"]: row for row in rows}
        self._of_subject = {(row["asker"], row["subject"]): row for row in rows if row["as_of"]}

    def row(self, question: Question, times: Sequence[int] = ()) -> Mapping[str, Any] | None:
        """What counts for a question, a refusal included; None: it is to be asked.

        An answer about a user, or its refusal, counts until a fifth of the last acts are new. times: of these acts, the
        newest first.
        """
        if found := self._by_key.get(question.key):
            return found
        earlier = self._of_subject.get((question.asker, question.subject)) if times else None
        if earlier is None:
            return None
        n_new = sum(time > earlier["as_of"] for time in times)
        return earlier if n_new < RENEWED * min(NEWEST, len(times)) else None


def times_of(task: LanguageTask, material: Material) -> list[Sequence[int]]:
    """The instants of each subject's acts; none of items."""
    if task.subjects == "items":
        return [()] * material.items.height
    return material.histories.get_column("times").to_list()


def enrich_part(task: LanguageTask, material: Material, params: Params, known: Known) -> Part:
    """One part of all subjects; an item without a valid answer keeps its local text."""
    written = list(task.local(material, params))
    asked, as_of, keys = [False] * len(written), list[int | None]([None] * len(written)), list[str]()
    times = times_of(task, material)
    if task.subjects == "users":
        as_of = [one[0] for one in times]
    for place, question in enumerate(questions(task, material, params)):
        row = known.row(question, times[place]) if question else None
        if row is None:
            continue
        keys.append(row["key"])
        if row["valid"]:
            written[place] = task.Answer.model_validate_json(row["answer"])
            asked[place], as_of[place] = True, row["as_of"]
    return Part(task=task, subjects=subjects_of(task, material), written=written, asked=asked, as_of=as_of, keys=keys)
