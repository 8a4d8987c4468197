"""The refit of a release: from the project's data a bundle that knows all of them, and the word of the sanity gate."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

from features.cleaning.interactions import Params as CleanParams
from features.cleaning.interactions import clean_log
from features.errors import RefusedError, UserError
from features.files import write_text
from features.params import parse, read_params, section
from features.positives import Positives
from features.split import read_cuts
from flows.project.dataset import data_until, interactions
from flows.project.fingerprints import params_hash
from flows.releasing.replay import answered_at, questions
from models.data.tables import make_log, read_friends
from models.data.types import Log
from models.release.bundle import combined_hash, read_manifest, sha256_of_files
from models.release.plan import load_catalogue, read_plan
from models.release.refit import Params, list_overlap, refit, violations

SPLIT = Path("data/split")
RELATIONS = Path("data/tables/relations.parquet")
RECOMMENDATIONS = Path("data/evaluation/recommendations.parquet")
FIGURES = "refit.json"

logger = logging.getLogger(__name__)


def release_params(root: Path) -> Params:
    """Section `release` of params.yaml, which may be left out."""
    return parse("release", read_params(root / "params.yaml").get("release"), Params)


def refit_bundle(root: Path, judged: Path, target: Path, figures: Path) -> None:
    """Writes the refitted bundle into `target`, and what the sanity gate measured into `figures`.

    Raises:
        UserError: data or params are others than those that the bundle was judged with.
        RefusedError: the refitted bundle recommends something quite different.
    """
    params = release_params(root)
    _check_unchanged(root, judged)
    shipped = refit(judged, target, log_of_all(root, judged))
    at, asked = data_until(root), questions(root / RECOMMENDATIONS)
    lists = [[question.expected for question in answered_at(root, bundle, asked, at)] for bundle in (judged, target)]
    found = list_overlap(*lists)
    told = {"judged": read_manifest(judged).hash, "shipped": shipped.hash, **asdict(found)}
    write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", figures)
    logger.info("refit=%s overlap=%.3f coverage=%.3f", shipped.hash[:12], found.overlap, found.coverage)
    if wrong := violations(found, params):
        raise RefusedError(
            f"refitted bundle {shipped.hash[:12]}: {'; '.join(wrong)}; nothing was put live. Look at what is new "
            "in the data, change release.least_overlap or least_coverage (params.yaml), or set release.refit to false"
        )


def log_of_all(root: Path, judged: Path) -> Log:
    """Every row of train, valid and test, cleaned as the stage `clean` does, as of the last of them."""
    cuts = read_cuts(root / SPLIT / "split.json")
    rows = interactions(root).sort("timestamp", maintain_order=True)
    params = section("clean", CleanParams, root / "params.yaml")
    cleaned, _, _ = clean_log(rows, params, at=None, artificial_time=cuts.artificial_time)
    return make_log(
        cleaned,
        load_catalogue(judged).vocabulary,
        positives=Positives.of(read_plan(judged).targets),
        friends=read_friends(root / RELATIONS),
    )


def _check_unchanged(root: Path, judged: Path) -> None:
    manifest = read_manifest(judged)
    now = {
        "data/split": (manifest.data_hash, combined_hash(sha256_of_files(root / SPLIT))),
        "params.yaml": (manifest.params_hash, params_hash(read_params(root / "params.yaml"))),
    }
    for name, (sealed, found) in now.items():
        if sealed != found:
            raise UserError(
                f"{root / name}: changed since the bundle was judged ({found[:12]}, expected {sealed[:12]}), so a "
                "refit would be another recommender; run `recops run`, then release"
            )
