"""Resolves choices that params.yaml leaves to the machine, and compares them with data/resolved.json."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel

from features.settings import Settings
from flows.project.dag import Dag, wanted_and_stale
from flows.project.dataset import Project
from models.compute.precision import resolve
from models.compute.resolved import Resolved, check_precision_of, read_resolved, write_resolved
from models.language.encoder import encoder_name, model_folder, weights_sha256
from models.language.encoding.embed_params import Params
from models.registry import load_retriever


def refresh_resolved(project: Project, settings: Settings) -> bool:
    """Writes data/resolved.json when this machine chooses otherwise than it says; True when it did."""
    resolved = resolved_here(project, settings)
    if resolved == _recorded(project):
        return False
    write_resolved(resolved, project.paths.resolved)
    return True


def stale_here(dag: Dag, until: str | None, settings: Settings) -> tuple[list[str], list[str]]:
    """Names of the stages that `until` needs, in order, and of those that would run once `refresh_resolved` wrote."""
    names, stale = wanted_and_stale(dag, until)
    project = Project(dag.root)
    if resolved_here(project, settings) == _recorded(project):
        return names, stale
    readers = dag.readers_of(project.paths.resolved.relative_to(project.root).as_posix())
    return names, [name for name in names if name in stale or name in readers]


def resolved_here(project: Project, settings: Settings) -> Resolved:
    """What this machine chooses; what is recorded stays where the choice makes no difference.

    Raises:
        UserError: the encoder that params or settings name is not there.
    """
    recorded, params = _recorded(project), project.section("embed", Params)
    sha256 = weights_sha256(model_folder(params, settings.encoder))
    precision = resolve("auto")
    if recorded and precision != recorded.precision and not _leaves_precision(project):
        precision = recorded.precision
    if recorded and sha256 == recorded.encoder_sha256:  # the same weights under another name
        return recorded.model_copy(update={"precision": precision})
    return Resolved(encoder=encoder_name(params, settings.encoder), encoder_sha256=sha256, precision=precision)


def _recorded(project: Project) -> Resolved | None:
    return read_resolved(project.paths.resolved) if project.paths.resolved.is_file() else None


def check_precisions(project: Project, names: Collection[str] | None = None) -> None:
    """Stops training outside the stages (a refit, a search) that would choose another precision than they did.

    names: of retrievers; None: all in use.

    Raises:
        UserError: `auto` is another precision on this machine than the one that is recorded.
    """
    for name, params in _retriever_params(project).items():
        if names is None or name in names:
            check_precision_of(project.paths.resolved, params, f"retrievers.{name}")


def _leaves_precision(project: Project) -> bool:
    """Whether a section of params.yaml leaves the precision to the machine."""
    sections: list[BaseModel] = [project.section("embed", Params), *_retriever_params(project).values()]
    return any(getattr(section, "precision", None) == "auto" for section in sections)


def _retriever_params(project: Project) -> dict[str, BaseModel]:
    return {
        name: project.section(f"retrievers.{name}", load_retriever(name).Params)
        for name in project.params().get("retrievers") or {}
    }
