"""Refit: the retrievers of a judged bundle fitted again on all data with their judged params, and a sanity gate.

A refitted bundle has seen the test rows of the judged one, so no metric can be measured for it. The gate only checks
whether its lists are similar.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from models.data.saved_params import PARAMS, read_params
from models.data.types import Catalogue, Log
from models.interfaces import Retriever, WarmStarts
from models.registry import load_part, make
from models.release.bundle import MANIFEST, Manifest, read_manifest, seal
from models.release.plan import load_catalogue, read_part, read_plan


class Params(BaseModel):
    """Params of the release: section `release`."""

    model_config = ConfigDict(extra="forbid")

    refit: bool = False
    """False: exactly the bundle that was judged; true: its retrievers fitted anew on train, valid and test."""
    least_overlap: float = Field(default=0.3, ge=0, le=1)
    """Share of the first ten that the refitted bundle must have in common with the judged one, in the mean over users;
    higher refuses more, first where fashion changes quickly."""
    least_coverage: float = Field(default=0.7, ge=0)
    """Distinct items in its lists over those in the judged one's; higher refuses more."""


@dataclass(frozen=True)
class ListOverlap:
    """Of two bundles' lists for the same users: overlap in [0, 1], the mean share of the judged list that the refitted
    one has too; coverage: distinct items over the judged one's; n_silent: users whom only the judged one answered."""

    overlap: float
    coverage: float
    n_silent: int
    n_users: int


def refit(judged: Path, target: Path, log: Log) -> Manifest:
    """Writes and seals in `target` (not there yet) the judged bundle with its retrievers fitted on `log`.

    Retrievers with warm start continue from the judged fit.

    Catalogue, text vectors, ranker and params are the judged ones; the manifest says the same of data, params and code.
    """
    plan, sealed, catalogue = read_plan(judged), read_manifest(judged), load_catalogue(judged)
    shutil.copytree(judged, target, ignore=shutil.ignore_patterns(MANIFEST, "retrievers"))
    for name in plan.retrievers:
        fitted_again(name, judged / "retrievers" / name, log, catalogue).save(target / "retrievers" / name)
    return seal_like(target, sealed)


def seal_like(target: Path, sealed: Manifest) -> Manifest:
    """Seals a bundle whose data, params and code are those of another one."""
    return seal(
        target,
        features=sealed.features,
        data_hash=sealed.data_hash,
        params_hash=sealed.params_hash,
        code_version=sealed.code_version,
    )


def params_of(name: str, folder: Path) -> BaseModel:
    """The params of a retriever in its folder of a bundle."""
    params: BaseModel = read_params(folder / PARAMS, f"retrievers.{name}", load_part("retriever", name).Params)
    return params


def fitted_again(
    name: str,
    folder: Path,
    log: Log,
    catalogue: Catalogue,
    *,
    params: BaseModel | None = None,
    to_go_on_with: Callable[[Log], Log] = lambda log: log,
) -> Retriever:
    """A retriever of a bundle (its folder) fitted on `log`, or gone on with where it warm-starts.

    params: in place of its own; to_go_on_with: the rows of `log` that a warm start gets.
    """
    fresh = make("retriever", name, params or params_of(name, folder))
    if isinstance(fresh, WarmStarts):
        return fresh.refit(to_go_on_with(log), catalogue, read_part("retriever", name, folder))
    return fresh.fit(log, catalogue)


def list_overlap(judged: Sequence[Sequence[str]], refitted: Sequence[Sequence[str]]) -> ListOverlap:
    """Similarity of the lists (items, best first) of the same users are; 1 where the judged bundle offers nothing."""
    pairs = [(set(ours), set(theirs)) for ours, theirs in zip(judged, refitted, strict=True) if ours]
    shares = [len(ours & theirs) / len(ours) for ours, theirs in pairs]
    before, after = (len({item for items in lists for item in items}) for lists in (judged, refitted))
    return ListOverlap(
        overlap=sum(shares) / len(shares) if shares else 1.0,
        coverage=after / before if before else 1.0,
        n_silent=sum(not theirs for _, theirs in pairs),
        n_users=len(judged),
    )


def violations(found: ListOverlap, params: Params) -> list[str]:
    """Reasons why a refitted bundle must not go live, a sentence each; empty if it is sane."""
    sentences = []
    if found.n_silent:
        sentences.append(
            f"it answers nothing to {found.n_silent} of {found.n_users} users whom the judged bundle answers"
        )
    if found.overlap < params.least_overlap:
        sentences.append(
            f"its lists share {found.overlap:.2f} with the judged ones, expected {params.least_overlap:g} or more"
        )
    if found.coverage < params.least_coverage:
        sentences.append(
            f"its lists hold {found.coverage:.2f} times as many distinct items as the judged ones, expected "
            f"{params.least_coverage:g} or more"
        )
    return sentences
