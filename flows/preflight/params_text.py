"""params.yaml as text: its syntax, and the line and column at which each of its keys stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from flows.preflight.mistakes import Mistake

MOST_VALUES = 100_000


class UnreadableError(Exception):
    """The file cannot be read as YAML; `mistake` says where and why."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.what)
        self.mistake = mistake


class ParamsText:
    """The values of a YAML file and where they stand.

    Raises:
        UnreadableError: there is no such file, or it is no YAML mapping.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        text = ""
        try:
            text = path.read_text(encoding="utf-8")
            self.values: Any = YAML(typ="safe").load(text) or {}
            self._root: Node | None = YAML().compose(text)
        except FileNotFoundError:
            raise UnreadableError(
                Mistake(self.name, f"there is no {path}", "restore it: `git checkout params.yaml`")
            ) from None
        except UnicodeDecodeError as error:
            raise UnreadableError(
                Mistake(self.name, f"the file is no UTF-8 text (byte {error.start})", "save it as UTF-8")
            ) from None
        except YAMLError as error:
            raise UnreadableError(_syntax_mistake(self.name, text, error)) from None
        except (ValueError, KeyError, RecursionError) as error:  # a date, a number or a tag that Python refuses
            reason = (
                "it is nested too deeply" if isinstance(error, RecursionError) else f"a value cannot be read: {error}"
            )
            raise UnreadableError(Mistake(self.name, reason, "correct the value, or put it in quotes")) from None
        if not isinstance(self.values, dict):
            what = f"the file holds a {type(self.values).__name__}, expected sections such as `ranker:`"
            raise UnreadableError(Mistake(self.name, what, "restore it: `git checkout params.yaml`"))
        if _n_values(self.values, {}, set()) > MOST_VALUES:
            what = f"its anchors (&, *) stand for more than {MOST_VALUES:,} values, or for themselves"
            raise UnreadableError(Mistake(self.name, what, "write the values out"))

    def where(self, *keys: str | int) -> str:
        """`params.yaml, line 12, column 3 (retrievers.als.size)`: the deepest key of the path that is there."""
        node, mark = self._root, None
        for key in keys:
            child = _child(node, key)
            if child is None:
                break
            mark, node = child
        shown = ".".join(str(key) for key in keys)
        position = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return f"{self.name}{position} ({shown})" if shown else f"{self.name}{position}"


def _n_values(value: Any, counted: dict[int, float], above: set[int]) -> float:
    """Values below one, aliases counted each time; infinite where one holds itself."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) in above:
        return float("inf")
    if id(value) not in counted:
        members = value.values() if isinstance(value, dict) else value
        counted[id(value)] = 1 + sum(_n_values(member, counted, above | {id(value)}) for member in members)
    return counted[id(value)]


def _child(node: Node | None, key: str | int) -> tuple[Any, Node] | None:
    """Where a key begins and the node of its value."""
    if isinstance(node, MappingNode):
        for name, value in node.value:
            if str(name.value) == str(key):
                return name.start_mark, value
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark, node.value[key]
    return None


def _syntax_mistake(name: str, text: str, error: YAMLError) -> Mistake:
    """The first line that a YAML reader cannot take, with what it says of it."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
    problem = (isinstance(error, MarkedYAMLError) and error.problem) or str(error).splitlines()[0]
    if isinstance(error, DuplicateKeyError):
        key = problem.split('"')[1]
        return Mistake(where, f"the key '{key}' stands twice in its section", "remove one of the two.")
    if mark and text[mark.index : mark.index + 1] == "\t":
        remedy = "indent with spaces, not with tabs."
    else:
        remedy = (
            "look at this line and the one before it: each is `key: value` with a space after the colon, lines of one "
            "section are indented alike, and brackets and quotes are closed."
        )
    return Mistake(where, f"this is not readable as YAML: {problem}", remedy)
