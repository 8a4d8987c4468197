"""Help of the command line: every command and option says what it does, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from flows.cli.__main__ import app

WIDEST = 64  # of a command's first sentence in the list of commands, at 80 columns


def commands(command: Any, name: str = "recops") -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, value in getattr(command, "commands", {}).items():
        yield from commands(value, f"{name} {child}")


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_in_its_first_sentence(name: str) -> None:
    first = (COMMANDS[name].help or "").strip().split("\n")[0]
    assert first.endswith("."), f"{name}: {first!r}"
    assert len(first) <= WIDEST or name == "recops", f"{name}: {len(first)} characters: {first}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    silent = [option.name for option in COMMANDS[name].params if not getattr(option, "help", None)]
    assert silent == []


@pytest.mark.parametrize(
    "name", ["run", "recommend", "evaluate", "tune", "release", "update", "rollback", "releases", "serve", "gc"]
)
def test_a_command_that_people_type_shows_an_example(name: str) -> None:
    assert f"\n  recops {name}" in COMMANDS[f"recops {name}"].help
