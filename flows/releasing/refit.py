"""Refit of a release: a bundle fitted on all of the project's data, and the sanity gate's verdict."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

from features.cleaning.interactions import Params as CleanParams
from features.cleaning.interactions import clean_log
from features.errors import RefusedError, UserError
from features.files import write_text
from features.positives import Positives
from flows.project.dataset import Project
from flows.project.fingerprints import params_hash
from flows.project.resolve import check_precisions
from flows.releasing.questions import answered_at, questions
from models.data.tables import make_log, read_friends
from models.data.types import Log
from models.release.bundle import combined_hash, read_manifest, sha256_of_files
from models.release.plan import load_catalogue, read_plan
from models.release.refit import Params, list_overlap, refit, violations

FIGURES = "refit.json"

logger = logging.getLogger(__name__)


def release_params(project: Project) -> Params:
    """The optional section `release` of params.yaml."""
    return project.section("release", Params, optional=True)


def refit_bundle(project: Project, judged: Path, target: Path, figures: Path) -> None:
    """Writes the refitted bundle into `target`, and what the sanity gate measured into `figures`.

    Raises:
        UserError: data or params are others than those that the bundle was judged with, or this machine would train
            with another precision.
        RefusedError: the refitted bundle recommends something quite different.
    """
    params = release_params(project)
    check_precisions(project)
    _check_unchanged(project, judged)
    shipped = refit(judged, target, log_of_all(project, judged))
    at, queries = project.data_until(), questions(project.paths.recommendations)
    lists = [
        [question.expected for question in answered_at(project, bundle, queries, at)] for bundle in (judged, target)
    ]
    overlap = list_overlap(*lists)
    content = {"judged": read_manifest(judged).hash, "shipped": shipped.hash, **asdict(overlap)}
    write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", figures)
    logger.info("refit=%s overlap=%.3f coverage=%.3f", shipped.hash[:12], overlap.overlap, overlap.coverage)
    if wrong := violations(overlap, params):
        raise RefusedError(
            f"refitted bundle {shipped.hash[:12]}: {'; '.join(wrong)}; nothing was put live. Look at what is new "
            "in the data, change release.least_overlap or least_coverage (params.yaml), or set release.refit to false"
        )


def log_of_all(project: Project, judged: Path) -> Log:
    """Every row of train, valid and test, cleaned as the stage `clean` does, as of the last of them."""
    cuts = project.cuts()
    rows = project.interactions().sort("timestamp", maintain_order=True)
    params = project.section("clean", CleanParams)
    cleaned, _, _ = clean_log(rows, params, at=None, artificial_time=cuts.artificial_time)
    return make_log(
        cleaned,
        load_catalogue(judged).vocabulary,
        positives=Positives.of(read_plan(judged).targets),
        friends=read_friends(project.paths.relations),
    )


def _check_unchanged(project: Project, judged: Path) -> None:
    manifest = read_manifest(judged)
    fingerprints = {
        "data/split": (manifest.data_hash, combined_hash(sha256_of_files(project.paths.split))),
        "params.yaml": (manifest.params_hash, params_hash(project.params())),
    }
    for name, (sealed, present) in fingerprints.items():
        if sealed != present:
            raise UserError(
                f"{project.root / name}: changed since the bundle was judged ({present[:12]}, expected {sealed[:12]}); "
                "a refit would be another recommender: run `recops run`, then release"
            )
