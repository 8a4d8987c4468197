"""Every command, option and route that a text of ours names exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from flows.cli.__main__ import app
from services.app import make_app

ROOT = Path(__file__).parents[2]
PROSE = ("README.md", "CONTRIBUTING.md", "docs/*.md", "infra/**/*.yml", "infra/**/*.yaml", "infra/**/*.sh")
CODE = ("features/**/*.py", "models/**/*.py", "flows/**/*.py", "services/**/*.py", "services/**/*.html", "prefect.yaml")
# between backquotes, or a line of a code block
QUOTED = re.compile(r"`recops((?:\s+[^\s`]+)+)\s*`")
JOINED = re.compile(r'"\s*\n\s*f?"')  # two strings of Python that make one
BLOCK = re.compile(r"^ {4,}(?:\.venv/bin/)?recops((?: +[^\s#|;&<>]+)+)", re.MULTILINE)
ROUTE = re.compile(r"\b(GET|POST|PUT|DELETE) (/[a-z][a-z/._-]*[a-z])")
OUTSIDE = {"/metrics", "/readyz", "/livez", "/healthz"}  # BentoML's own
WORD = re.compile(r"[a-z][a-z-]*")


def texts() -> list[tuple[str, str]]:
    files = sorted({path for pattern in (*PROSE, *CODE) for path in ROOT.glob(pattern) if path.is_file()})
    return [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in files]


@cache
def command_line() -> Any:
    return typer.main.get_command(app)


def unknown(words: list[str]) -> str | None:
    """What the command line would refuse; a placeholder such as ID or … ends a command's name."""
    command = command_line()
    names: list[str] = []
    while hasattr(command, "commands") and words and WORD.fullmatch(words[0]):
        names.append(words[0])
        if words[0] not in command.commands:
            return " ".join(names)
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        option = word.partition("=")[0].strip("[](),.:")
        if option.startswith("--") and option not in known | {"--help"}:
            return " ".join([*names, option])
    return None


def faults(text: str, *, with_blocks: bool = True) -> list[str]:
    matches = [*QUOTED.finditer(JOINED.sub("", text)), *(BLOCK.finditer(text) if with_blocks else ())]
    lines = [[word.strip('",.:;()') for word in match[1].split()] for match in matches]
    wrong = [unknown([word for word in words if word]) for words in lines]
    return [f"recops {name}" for name in wrong if name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see `recops surgeon` on its machine", ["recops surgeon"]),
        ("run `recops events compress`, then", ["recops events compress"]),
        ("    recops run --fast", ["recops run --fast"]),
        ("    recops run --quiet\n    recops data import csv --path FILE   # a file", []),
        ("`recops releases`, `recops data import NAME`, `recops …`", []),
        ('and `recops "\n    f"frobnicate` too', ["recops frobnicate"]),
    ],
)
def test_the_check_finds_what_does_not_exist(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


def test_every_command_that_a_text_names_exists() -> None:
    wrong = {name: faults(text, with_blocks=not name.endswith(".py")) for name, text in texts()}
    wrong = {name: commands for name, commands in wrong.items() if commands}
    assert wrong == {}


def test_every_route_that_a_text_names_exists() -> None:
    routes = [(method, route.path) for route in make_app().routes for method in getattr(route, "methods", ())]
    known = {*routes, *((method, path.partition("/{")[0]) for method, path in routes)}  # `DELETE /items/{item_id}`
    named = {(name, *match.groups()) for name, text in texts() for match in ROUTE.finditer(text)}
    assert len(named) > 10
    assert {one for one in named if one[1:] not in known and one[2] not in OUTSIDE} == set()
