"""Code versions: the Bento of a release, and the code that this process runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SERVING_PACKAGES = ("features", "models", "services")
ROOT = Path(__file__).resolve().parents[2]
BENTO, WORKING_TREE = "bento", "working tree"


@dataclass(frozen=True)
class RunningCode:
    """version: of the serving packages; origin: `bento` or `working tree`; tag: the Bento's, None outside of one."""

    version: str
    origin: str
    tag: str | None

    def can_load(self, bento_tag: str | None) -> bool:
        """Whether a release of this Bento may be loaded in place: a Bento serves only releases of its own code."""
        return self.tag is None or bento_tag is None or code_of(bento_tag) == code_of(self.tag)


def code_of(tag: str) -> str:
    """The code's part of a Bento tag `recops:<bundle>-<code>`."""
    return tag.rpartition("-")[2]


def bento_folder(home: Path, tag: str) -> Path:
    """Where the Bento of a tag stands in the store of a home."""
    return home / "bentoml" / "bentos" / Path(*tag.split(":"))


def code_version(root: Path) -> str:
    """Twelve hex digits over the files of the serving packages below `root`: the same for a Bento and its source."""
    digest = hashlib.sha256()
    for package in SERVING_PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{content}  {path.relative_to(root).as_posix()}\n".encode())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def running_code() -> RunningCode:
    """The code that this process runs; a Bento keeps its code in `src/`, beside its bento.yaml."""
    description = ROOT.parent / "bento.yaml"
    if ROOT.name != "src" or not description.is_file():
        return RunningCode(code_version(ROOT), WORKING_TREE, None)
    return RunningCode(code_version(ROOT), BENTO, _tag(description))


def _tag(description: Path) -> str:
    from ruamel.yaml import YAML

    bento = YAML(typ="safe").load(description.read_text(encoding="utf-8"))
    return f"{bento['name']}:{bento['version']}"
