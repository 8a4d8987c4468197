"""Builds the Bento of a release: the bundle, the code that serves it and the packages it needs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from features.errors import RefusedError, UserError
from features.settings import Settings
from flows.orchestration import processes
from models.release.bundle import Manifest, combined_hash, read_manifest, sha256_of_files
from models.release.code import ROOT, SERVING_PACKAGES, bento_folder

NAME = "recops"
BENTOFILE = "bentofile.yaml"
HEADLINE = "ndcg@10"
BUILD_TIMEOUT_S = 300
OPTIONS, LABELS = "build.json", "labels.json"
# not the command `bentoml build`: it refuses every path with a hidden folder in it, such as .recops
_BUILD = """
import json, sys
import bentoml
options, labels = (json.load(open(name)) for name in sys.argv[2:])
options["labels"].update(labels)
bentoml.build(version=sys.argv[1], build_ctx=".", **options)
"""


def store_of(settings: Settings) -> Path:
    """The Bento store (BENTOML_HOME) below RECOPS_HOME."""
    return settings.home / "bentoml"


def folder_of(settings: Settings, tag: str) -> Path:
    """The folder of a Bento in the store."""
    return bento_folder(settings.home, tag)


def build_bento(
    code: Path, bundle: Path, settings: Settings, scratch: Path, labels: Mapping[str, str] | None = None
) -> str:
    """Builds the Bento of a sealed bundle with the code in `code`; its tag `recops:<bundle hash>-<code hash>`.

    The same bundle and code are the same Bento, whatever its labels: one that is there is taken. It is built in
    `scratch` and moved into the store whole, so a build that was killed leaves nothing in the store.

    Raises:
        RefusedError: BentoML could not build it; the message has the end of its output.
    """
    context = scratch / "context"
    tag = prepare(code, bundle, context)
    target = folder_of(settings, tag)
    if not target.is_dir():
        shutil.copytree(bundle, context / "bundle")
        (context / LABELS).write_text(json.dumps(dict(labels or {})), encoding="utf-8")
        built = _build(context, scratch, tag)
        target.parent.mkdir(parents=True, exist_ok=True)
        built.rename(target)
        (target.parent / "latest").write_text(target.name, encoding="utf-8")
    shutil.rmtree(context)
    return tag


def prepare(code: Path, bundle: Path, context: Path) -> str:
    """Copies the code into `context` and writes the options beside it; the tag of the Bento that these make."""
    shutil.rmtree(context, ignore_errors=True)
    for package in SERVING_PACKAGES:
        shutil.copytree(code / package, context / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (context / OPTIONS).write_text(json.dumps(options(code), indent=1, sort_keys=True), encoding="utf-8")
    return f"{NAME}:{read_manifest(bundle).hash[:12]}-{combined_hash(sha256_of_files(context))[:8]}"


def options(code: Path) -> dict[str, Any]:
    """The options of `bentoml.build`: bentofile.yaml, with the installed versions of the packages."""
    bentofile = read_bentofile(code)
    packages = list(requirements(bentofile["python"]["packages"]))
    return {**bentofile, "python": {**bentofile["python"], "packages": packages}}


def read_bentofile(code: Path) -> dict[str, Any]:
    """bentofile.yaml of a project folder; of this code where the project has none.

    Raises:
        UserError: it is no YAML, or lacks what a release needs.
    """
    path = next(path for path in (code / BENTOFILE, ROOT / BENTOFILE) if path.is_file() or path.parent == ROOT)
    expected = f"a release needs name: {NAME}, service, labels, include and python.packages; restore the file"
    try:
        bentofile = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError) as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())}); {expected}") from None
    if not isinstance(bentofile, dict):
        raise UserError(f"{path}: found no keys; {expected}")
    missing = [key for key in ("service", "labels", "include", "python") if not bentofile.get(key)]
    if missing or bentofile.get("name") != NAME or not bentofile["python"].get("packages"):
        what = f"no {', '.join(missing)}" if missing else f"name {bentofile.get('name')!r}, or no python.packages"
        raise UserError(f"{path}: found {what}; {expected}")
    return bentofile


def requirements(packages: Iterable[str]) -> Iterator[str]:
    """The packages pinned to the installed versions, without the local part (`+cpu`)."""
    for name in dict.fromkeys(package.partition("==")[0] for package in packages):  # one line a version of Python
        try:
            yield f"{name}=={version(name.partition('[')[0]).partition('+')[0]}"
        except PackageNotFoundError:
            continue


def labels_of(bundle: Manifest, release: str, metrics: Mapping[str, float]) -> dict[str, str]:
    """What `bentoml list` and `bentoml get` show of a release: bundle, data, release, headline metric.

    A Bento that serves a second release keeps the labels of the one that it was built for.
    """
    labels = {"bundle": bundle.hash[:12], "data": bundle.data_hash[:12], "release": release}
    return labels | ({HEADLINE: f"{metrics[HEADLINE]:.4f}"} if HEADLINE in metrics else {})


def _build(context: Path, scratch: Path, tag: str) -> Path:
    """`bentoml build` in a process of its own: it imports the service, which flows never do."""
    home, log = scratch / "bentoml", scratch / "build.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BENTOML_", "RECOPS_"))}
    env |= {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "RECOPS_HOME": str(scratch / "nowhere")}
    name, _, its_version = tag.partition(":")
    process = processes.start(
        [sys.executable, "-c", _BUILD, its_version, OPTIONS, LABELS], env=env, cwd=context, log=log
    )
    try:
        ended = processes.wait_for(lambda: False, lambda: process.poll() is not None, timeout_s=BUILD_TIMEOUT_S)
    finally:
        processes.stop(process)
    built = home / "bentos" / name / its_version
    if not ended or process.returncode or not (built / "bento.yaml").is_file():
        reason = processes.tail(log) if ended else f"it did not end within {BUILD_TIMEOUT_S} s"
        raise RefusedError(f"Bento {tag}: bentoml.build failed: {reason}")
    return built
