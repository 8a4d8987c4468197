"""The code that a module depends on: its file and those of ours that it imports, directly or not."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

OURS = ("features", "models", "services", "flows")


def module_files(root: Path, module: str) -> list[str]:
    """Files of ours that importing a dotted name reads (without name tables)."""
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    return [path.relative_to(root).as_posix()] if path.is_file() else []


def imports_of(root: Path, file: str) -> set[str]:
    """Files of ours that a file imports anywhere in its text, and data files beside it (`.with_name("page.css")`)."""
    nodes = list(ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))))
    return _imported(root, nodes) | _data_files(root, file, nodes)


def imports_at_the_top(root: Path, file: str) -> set[str]:
    """Files of ours that a file imports when it is imported itself: not those inside functions."""
    return _imported(root, ast.parse((root / file).read_text(encoding="utf-8")).body)


def closure(root: Path, file: str) -> set[str]:
    """The file and everything of ours that it imports, directly or not."""
    seen: set[str] = set()
    todo = [file]
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo.extend(imports_of(root, current) if current.endswith(".py") else ())
    return seen


def _imported(root: Path, nodes: Iterable[ast.AST]) -> set[str]:
    files: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] in OURS:
                files.update(module_files(root, name))
    return files


def _data_files(root: Path, file: str, nodes: Iterable[ast.AST]) -> set[str]:
    files: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "with_name":
            beside = [(root / file).with_name(str(word.value)) for word in node.args if isinstance(word, ast.Constant)]
            files.update(path.relative_to(root).as_posix() for path in beside if path.is_file())
    return files
