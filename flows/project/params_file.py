"""Edits values in the text of params.yaml: comments, order and choices by profile stay to the byte; and the diff."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from features.errors import UserError
from features.files import write_text
from features.params import PROFILES
from flows.project.dataset import Project


def edit_source(project: Project, changes: Mapping[str, Any]) -> bool:
    """Sets keys of params.yaml's section `source`, everything else to the byte as it was; True when it changed."""
    before = read_text(project)
    source = YAML(typ="safe").load(before)["source"]
    wanted = {f"source.{key}": value for key, value in changes.items() if key not in source or source[key] != value}
    if wanted:
        write_text(edited(before, wanted, PROFILES[0]), project.paths.params)
    return bool(wanted)


def edited(text: str, changes: Mapping[str, Any], profile: str) -> str:
    """The text with values set by dotted path, e.g. `retrievers.ease.regularization`.

    A choice `{quick: …, default: …}` keeps its other entries: only that of `profile` is set, or added. A key that its
    section lacks is added as the section's last.

    Raises:
        UserError: a section of the path is not there.
    """
    for path, value in changes.items():
        *sections, key = path.split(".")
        section: tuple[Node | None, Node] = None, YAML().compose(text)
        for name in sections:
            inner = _entries(section[1]).get(name)
            if inner is None:
                raise UserError(f"params.yaml: no section '{name}' of '{path}'; add it, or delete what names it")
            section = inner
        text = _with_value(text, *section, key, scalar(value), profile)
    return text


def scalar(value: Any) -> str:
    """A value as YAML writes it; whole floats without their point, as people write them."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, str):
        out = io.StringIO()
        writer = YAML(typ="safe")
        writer.default_flow_style = True
        writer.dump([value], out)
        return out.getvalue().strip()[1:-1]
    return str(value)


def unified_diff(before: str, after: str, name: str = "params.yaml") -> str:
    """What `git apply` and `patch -p1` take; empty where nothing differs."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def read_text(project: Project) -> str:
    """params.yaml as it stands, line ends included."""
    with (project.paths.params).open(encoding="utf-8", newline="") as file:
        return file.read()


def _entries(node: Node | None) -> dict[str, tuple[Node, Node]]:
    """Key → (its node, its value's node)."""
    return {str(key.value): (key, value) for key, value in node.value} if isinstance(node, MappingNode) else {}


def _with_value(text: str, name: Node | None, section: Node, key: str, value: str, profile: str) -> str:
    """The section (and the node of its own key) with one value set."""
    entries = _entries(section)
    if key in entries:
        choices = _entries(entries[key][1])
        if choices and set(choices) <= set(PROFILES):
            return _with_value(text, *entries[key], profile, value, profile)
        return _replaced(text, *entries[key], value)
    if not entries:  # `{}`, or nothing at all
        return _replaced(text, name, section, f"{{{key}: {value}}}")
    last_key, last = section.value[-1]
    if isinstance(section, MappingNode) and section.flow_style:
        return _spliced(text, last.end_mark.index, last.end_mark.index, f", {key}: {value}")
    line_end = text.find("\n", _leaf(last).end_mark.index)
    indent = " " * last_key.start_mark.column
    if line_end < 0:
        return f"{text}\n{indent}{key}: {value}"
    return f"{text[: line_end + 1]}{indent}{key}: {value}\n{text[line_end + 1 :]}"


def _replaced(text: str, key: Node | None, node: Node, value: str) -> str:
    """Another value of a key. An empty one is marked where the next word stands, so it is set right after its key."""
    start, end = node.start_mark.index, node.end_mark.index
    if start < end or key is None:
        return _spliced(text, start, end, value)
    start = text.index(":", key.end_mark.index) + 1
    return _spliced(text, start, start, f" {value}")


def _leaf(node: Node) -> Node:
    """The last node below that ends where its text does: a block's end is where the next one begins."""
    while isinstance(node, MappingNode) and not node.flow_style and node.value:
        node = node.value[-1][1]
    return node


def _spliced(text: str, start: int, end: int, value: str) -> str:
    """Another value at a place; a comment in the rest of the line keeps its column where there is room."""
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    rest = text[end:line_end]
    if comment := re.match(r"(.*?)( +)(#.*)$", rest, flags=re.DOTALL):
        space = max(1, len(comment[2]) + (end - start) - len(value))
        rest = f"{comment[1]}{' ' * space}{comment[3]}"
    return f"{text[:start]}{value}{rest}{text[line_end:]}"
