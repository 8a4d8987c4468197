"""`make clients`: writes both clients anew from the service's OpenAPI document.

    python -m infra.clients.generate

Needs uv (in the environment) and npm, and the registries of both the first time. generated.json then says of which
document and by which generators they were made; tests/contract/test_clients_are_generated.py compares it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.api.openapi import openapi

FOLDER = Path(__file__).resolve().parent
DOCUMENT = FOLDER / "openapi.json"
NOTE = FOLDER / "generated.json"
PYTHON = FOLDER / "python" / "recops_client" / "generated"
TYPESCRIPT = FOLDER / "typescript"
SCHEMA = TYPESCRIPT / "src" / "schema.ts"
# its typer is older than ours: it runs in an environment of its own
PYTHON_GENERATOR = "openapi-python-client==0.29.1"
HOOKS = ("ruff check . --fix-only --quiet --isolated --extend-select=I", "ruff format . --quiet --isolated")


def main() -> None:
    """Writes the document, the Python package, the TypeScript types, and the note of what they were made from."""
    DOCUMENT.write_text(document(), encoding="utf-8")
    write_python(DOCUMENT, PYTHON)
    write_typescript(DOCUMENT, SCHEMA)
    NOTE.write_text(json.dumps(note(), indent=2) + "\n", encoding="utf-8")
    print(f"written: {PYTHON.relative_to(FOLDER)}, {SCHEMA.relative_to(FOLDER)}")


def document() -> str:
    """The service's description of its routes, as text."""
    return json.dumps(openapi(), indent=1, ensure_ascii=False) + "\n"


def write_python(source: Path, package: Path) -> None:
    """A package of functions and attrs classes, as openapi-python-client makes it.

    Raises:
        subprocess.CalledProcessError: the generator failed, or cannot be had.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps({"post_hooks": HOOKS}), encoding="utf-8")
        target = Path(folder) / package.name
        _run(
            [*_python_generator(), "generate", "--path", source, "--config", config],
            "--meta",
            "none",
            "--fail-on-warning",
            "--output-path",
            target,
        )
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(target, package, ignore=shutil.ignore_patterns("__pycache__", ".ruff_cache"))


def write_typescript(source: Path, schema: Path) -> None:
    """Types of every path, as openapi-typescript (pinned in package-lock.json) makes them.

    Raises:
        subprocess.CalledProcessError: the generator failed, or cannot be had.
    """
    if not (TYPESCRIPT / "node_modules" / "openapi-typescript").is_dir():
        _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=TYPESCRIPT)
    optional = ["--default-non-nullable", "false"]  # a field with a default may be left out
    _run(["npx", "--no-install", "openapi-typescript", source, *optional, "--output", schema], cwd=TYPESCRIPT)


def note() -> dict[str, str]:
    """Digests of the document and of what was made from it, and the generators."""
    packages = json.loads((TYPESCRIPT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    return {
        "document": _digest([DOCUMENT]),
        "python_generator": PYTHON_GENERATOR,
        "python": _digest(sorted(PYTHON.rglob("*.py"))),
        "typescript_generator": f"openapi-typescript@{packages['openapi-typescript']}",
        "typescript": _digest([SCHEMA]),
    }


def _digest(files: Iterable[Path]) -> str:
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(f"{file.relative_to(FOLDER).as_posix()}\n".encode() + file.read_bytes())
    return hashed.hexdigest()


def _python_generator() -> list[str]:
    uv = shutil.which("uv", path=_path()) or "uv"
    return [uv, "tool", "run", "--quiet", "--from", PYTHON_GENERATOR, "openapi-python-client"]


def _run(command: Sequence[object], *more: object, cwd: Path | None = None) -> None:
    env = {**os.environ, "PATH": _path()}
    subprocess.run([str(part) for part in (*command, *more)], cwd=cwd, env=env, check=True)


def _path() -> str:
    """PATH with this environment's programs (uv, ruff) first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


if __name__ == "__main__":
    main()
