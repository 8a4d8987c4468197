"""Asking as a part of `recops run`: whether it asks at all, and the budget of the settings."""

from __future__ import annotations

from collections.abc import Iterable

from features.settings import Settings
from flows.asking.ask import Asked, ask, language_server, open_now, vectors_model
from flows.asking.budget import Budget
from flows.orchestration.busy import BusyError
from flows.project.dag import Dag
from flows.project.dataset import Project
from models.language.writing.asking_params import Params


def asks(project: Project, settings: Settings) -> bool:
    """Whether params name a model and the settings a server."""
    return language_server(settings, _params(project), vectors_model(project)) is not None


def asks_something(dag: Dag, settings: Settings, names: Iterable[str]) -> bool:
    """Whether a run of these stages asks, and something is open."""
    project = Project(dag.root)
    if not asks(project, settings) or not (project.paths.catalogue / "catalogue.parquet").is_file():
        return False
    if not dag.readers_of(answers_folder(project)) & set(names):
        return False
    return bool(open_now(project, settings, _params(project)).questions)


def ask_in_run(project: Project, settings: Settings) -> Asked:
    """Asks within the settings' budget; not while a `recops ask` does."""
    params = _params(project)
    server = language_server(settings, params, vectors_model(project))
    if server is None:
        return Asked()
    budget = Budget(
        max_tokens=settings.llm_max_tokens, max_cost=settings.llm_max_cost, max_seconds=settings.llm_max_seconds
    )
    try:
        return ask(project, settings, params, server, budget)
    except BusyError as error:
        return Asked(stopped=str(error))


def answers_folder(project: Project) -> str:
    """The folder that the stage reads."""
    return _params(project).answers


def _params(project: Project) -> Params:
    return project.section("language", Params)
