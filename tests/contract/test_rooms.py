"""The rooms: few files a folder, each name once in a package, a door sign on each, and no logic behind the signs."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "flows", "services")
MOST_MODULES = 12
# folders of interchangeable parts with a table of names, and one thin file a stage: as many as there are
FOLDERS_OF_PARTS = {
    "features/sources",
    "features/streams/brokers",
    "models/retrievers",
    "models/rankers",
    "models/rerankers",
    "models/raters",
    "models/language/tasks",
    "flows/stages",
}
LOGIC_AT_IMPORT = {"flows/stages/__init__.py"}  # a stage whose driver dies while its own imports run must end


def modules(package: str) -> list[Path]:
    return [path for path in sorted((ROOT / package).rglob("*.py")) if path.name != "__init__.py"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_holds_at_most_twelve_modules(package):
    sizes = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules(package))
    assert {folder: n for folder, n in sizes.items() if n > MOST_MODULES and folder not in FOLDERS_OF_PARTS} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_name_stands_twice_in_a_package(package):
    places: dict[str, list[str]] = {}
    for path in modules(package):
        places.setdefault(path.name, []).append(path.parent.relative_to(ROOT).as_posix())
    assert {name: folders for name, folders in places.items() if len(folders) > 1} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_has_a_door_sign_without_logic(package):
    folders = {path.parent for path in modules(package)}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").is_file()) == []
    for folder in folders:
        sign = folder / "__init__.py"
        tree = ast.parse(sign.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{sign}: no docstring says what is in the folder"
        if sign.relative_to(ROOT).as_posix() not in LOGIC_AT_IMPORT:
            rest = [node for node in tree.body[1:] if not isinstance(node, (ast.Assign, ast.AnnAssign))]
            assert rest == [], f"{sign}: a door sign holds a docstring and at most a table of names"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_begins_with_what_it_is(package):
    silent = [str(path) for path in modules(package) if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []


@pytest.mark.parametrize(("mark", "home"), [("flock(", "features/files.py"), ("scratch.replace(", "features/files.py")])
def test_one_idea_has_one_home(mark, home):
    """Locks between processes and files that are replaced whole are made by `locked` and `replacing`."""
    found = [path for package in PACKAGES for path in modules(package) if mark in path.read_text(encoding="utf-8")]
    assert [path.relative_to(ROOT).as_posix() for path in found] == [home]


def test_a_day_is_counted_in_one_place():
    text = {path: path.read_text(encoding="utf-8") for package in PACKAGES for path in modules(package)}
    assert [path for path, code in text.items() if "86_400_000_000" in code or "86_400 *" in code] == [
        ROOT / "features" / "arrays.py"
    ]
