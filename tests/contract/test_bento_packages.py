"""The Bento lists what serving imports, and nothing of what only training needs."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from flows.releasing.bento import options, read_bentofile, requirements

ROOT = Path(__file__).parents[2]
PACKAGES = read_bentofile(ROOT)["python"]["packages"]
COMES_WITH = {
    "click": "feast",
    "ibis-framework": "feast",
    "mmh3": "feast",
    "protobuf": "feast",
    "pydantic-core": "pydantic",
    "sqlalchemy": "feast",
    "starlette": "fastapi",
}
FIT_ONLY = {"implicit", "numba", "sklearn", "torch"}  # imported by parts, inside `fit` alone
NOT_FOR_SERVING = {"prefect", "dvc", "great-expectations", "sentence-transformers", "torch", "typer"}


def served_files():
    """Everything of ours that the running service may import, parts that are loaded by name and Feast's store too."""
    spec = importlib.util.spec_from_file_location("stage_deps", ROOT / "infra" / "stage_deps.py")
    stage_deps = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stage_deps)
    folders = ("services", "models/retrievers", "models/rankers", "models/rerankers")
    files = [path for folder in folders for path in (ROOT / folder).glob("*.py")]
    files.append(ROOT / "features" / "repo" / "offline_store.py")
    closures = (stage_deps.closure(ROOT, path.relative_to(ROOT).as_posix()) for path in files)
    return sorted({file for closure in closures for file in closure if file.endswith(".py")})


def imported(file):
    """Top-level names of packages that a file imports anywhere in its text."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement):
    """`feast` of `feast[duckdb]==0.67.0`."""
    return re.split(r"[\[=]", requirement)[0]


NAMES = list(dict.fromkeys(name_of(package) for package in PACKAGES))


def test_bentofile_pins_what_requirements_lock_pins():
    spec = importlib.util.spec_from_file_location("bento_pins", ROOT / "infra" / "bento_pins.py")
    bento_pins = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bento_pins)
    lines = (ROOT / "bentofile.yaml").read_text().splitlines()
    assert lines == bento_pins.pinned(lines), "run `python infra/bento_pins.py`"


def test_a_release_is_built_of_what_bentofile_names():
    bentofile, built = read_bentofile(ROOT), options(ROOT)
    assert {name: built[name] for name in bentofile if name != "python"} == {
        name: bentofile[name] for name in bentofile if name != "python"
    }
    assert [name_of(package) for package in built["python"]["packages"]] == NAMES
    assert built["python"]["lock_packages"] is False


def test_every_package_that_serving_imports_is_listed():
    listed = {plain(name_of(name)) for name in PACKAGES}
    distributions = importlib.metadata.packages_distributions()
    missing = {}
    for file in served_files():
        for name in imported(file):
            if name in sys.stdlib_module_names or name in {"features", "models", "services"} | FIT_ONLY:
                continue
            found = {plain(distribution) for distribution in distributions[name]}
            found |= {COMES_WITH[distribution] for distribution in found if distribution in COMES_WITH}
            if not found & listed:
                missing.setdefault(name, file)
    assert missing == {}


def test_loading_every_part_imports_nothing_that_only_training_needs():
    code = (
        "import sys; from models.registry import load_part, part_names\n"
        "for kind in ('retriever', 'ranker', 'reranker'): [load_part(kind, name) for name in part_names(kind)]\n"
        f"print(sorted(set(sys.modules) & {FIT_ONLY}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_of_training_is_listed_and_every_version_is_pinned_without_a_local_part():
    assert not NOT_FOR_SERVING & {plain(name_of(name)) for name in PACKAGES}
    pins = list(requirements(PACKAGES))
    assert len(pins) == len(NAMES)
    assert all(re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==[0-9][0-9a-z.]*", pin) for pin in pins)
