"""The Bento: bundle, code that serves it and a lean list of packages; the copy to run elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from features.errors import RefusedError
from features.settings import Settings
from flows.orchestration import processes
from models.release.bundle import combined_hash, read_manifest, sha256_of_files
from models.release.code import SERVING_PACKAGES, bento_folder

NAME = "recops"
SERVICE = "services.service:RecopsService"
# what serving imports: neither Prefect nor DVC nor Great Expectations nor an encoder
PACKAGES = (
    "bentoml",
    "duckdb",
    "fastapi",
    "feast[duckdb,postgres,redis]",
    "httptools",
    "lightgbm",
    "msgspec",
    "numpy",
    "pandas",
    "polars",
    "prometheus-client",
    "psycopg[binary]",
    "pyarrow",
    "pydantic",
    "pydantic-settings",
    "redis",
    "ruamel-yaml",
    "safetensors",
    "scipy",
    "threadpoolctl",
    "uvicorn",
)
BUILD_TIMEOUT_S = 300
OPTIONS = "build.json"
# not the command `bentoml build`: it refuses every path with a hidden folder in it, such as .recops
_BUILD = """
import json, sys
import bentoml
bentoml.build(version=sys.argv[1], build_ctx=".", **json.load(open("build.json")))
"""


def store_of(settings: Settings) -> Path:
    """BENTOML_HOME of this workplace."""
    return settings.home / "bentoml"


def folder_of(settings: Settings, tag: str) -> Path:
    """Where a Bento lies in the store."""
    return bento_folder(settings.home, tag)


def build_bento(code: Path, bundle: Path, settings: Settings, scratch: Path) -> str:
    """Builds the Bento of a sealed bundle with the code in `code`; its tag `recops:<bundle hash>-<code hash>`.

    The same bundle and code are the same Bento: one that is there is taken. It is built in `scratch` and moved into
    the store whole, so a build that was killed leaves nothing in the store.

    Raises:
        RefusedError: BentoML could not build it, with the end of what it said.
    """
    context = scratch / "context"
    tag = prepare(code, bundle, context)
    target = folder_of(settings, tag)
    if not target.is_dir():
        shutil.copytree(bundle, context / "bundle")
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
    (context / OPTIONS).write_text(json.dumps(options(), indent=1, sort_keys=True), encoding="utf-8")
    return f"{NAME}:{read_manifest(bundle).hash[:12]}-{combined_hash(sha256_of_files(context))[:8]}"


def options() -> dict[str, object]:
    """What the Bento is made of, as `bentoml.build` takes it."""
    return {
        "service": SERVICE,
        "name": NAME,
        "include": [f"{folder}/**" for folder in (*SERVING_PACKAGES, "bundle")],
        "python": {"packages": list(requirements()), "lock_packages": False},
    }


def requirements() -> Iterator[str]:
    """The packages pinned to the versions that run here, the local part (`+cpu`) left off."""
    for package in PACKAGES:
        try:
            yield f"{package}=={version(package.partition('[')[0]).partition('+')[0]}"
        except PackageNotFoundError:
            continue


def _build(context: Path, scratch: Path, tag: str) -> Path:
    """`bentoml build` in a process of its own: it imports the service, which flows never do."""
    home, log = scratch / "bentoml", scratch / "build.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BENTOML_", "RECOPS_"))}
    env |= {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "RECOPS_HOME": str(scratch / "nowhere")}
    name, _, its_version = tag.partition(":")
    process = processes.start([sys.executable, "-c", _BUILD, its_version], env=env, cwd=context, log=log)
    try:
        ended = processes.wait_for(lambda: False, lambda: process.poll() is not None, timeout_s=BUILD_TIMEOUT_S)
    finally:
        processes.stop(process)
    built = home / "bentos" / name / its_version
    if not ended or process.returncode or not (built / "bento.yaml").is_file():
        said = processes.tail(log) if ended else f"it did not end within {BUILD_TIMEOUT_S} s"
        raise RefusedError(f"Bento {tag}: bentoml.build failed: {said}")
    return built
