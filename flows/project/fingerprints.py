"""Fingerprints: hashes of the params and of the code that a bundle depends on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from features.params import read_params
from flows.project.code_closure import closure, module_files
from models.release.bundle import combined_hash, sha256_of

CODE = Path(__file__).resolve().parents[2]
# sections that a bundle depends on; the judging of it, and where the data came from, are recorded elsewhere
SECTIONS = ("split", "clean", "build_features", "embed", "retrievers", "retrieve", "ranker", "reranker")


def params_hash(params: dict[str, Any]) -> str:
    """sha256 over the sections that a bundle depends on, whatever their order in the file."""
    kept = {name: params.get(name) for name in SECTIONS}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def code_version(root: Path) -> str:
    """sha256 over the code that dvc.yaml lists for this stage: what loads and runs a bundle; no git needed."""
    listed = read_params(root / "dvc.yaml")["stages"]["bundle"]["deps"]
    files: dict[str, str] = {}
    for dep in listed:
        if dep.startswith(("features/", "models/")):
            sources = [root / dep] if (root / dep).is_file() else sorted((root / dep).rglob("*.py"))
            files |= {path.relative_to(root).as_posix(): sha256_of(path) for path in sources}
    return combined_hash(files)


def code_hash(module: str) -> str:
    """sha256 over a module's file and those of ours that it imports, directly or not."""
    (file,) = module_files(CODE, module)
    return combined_hash({path: sha256_of(CODE / path) for path in closure(CODE, file)})
