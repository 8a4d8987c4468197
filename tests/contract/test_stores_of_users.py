"""The table of stores: whatever the code keeps below RECOPS_HOME, or in the event log's database, is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.forgetting.stores_of_users import KNOW_NOBODY, STORES, TABLES

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "flows", "services")
BELOW_HOME = re.compile(r"""\b(?:settings|self)\.home / (?:f?"([\w.-]+)|'?([\w.-]+))|\bhome / "([\w.-]+)""")
FILE_URL = re.compile(r"self\.home / '([\w.-]+)'")
TABLE = re.compile(r"create table if not exists (\{?\w+\}?) \(([^\"]*)\)", re.DOTALL)
OF_OTHER_HOMES = {"bentos"}  # below BENTOML_HOME


def sources() -> list[tuple[str, str]]:
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in files]


def names_below_home() -> dict[str, str]:
    """Name → the file that writes it."""
    names: dict[str, str] = {}
    for file, text in sources():
        for match in [*BELOW_HOME.finditer(text), *FILE_URL.finditer(text)]:
            name = next(group for group in match.groups() if group)
            names.setdefault(name, file)
    return names


def test_every_name_below_the_home_is_a_store_or_knows_nobody():
    listed = {path for store in STORES for path in store.paths} | set(KNOW_NOBODY) | OF_OTHER_HOMES
    names = names_below_home()
    assert {"online", "flight", "impressions", "releases", "events", "events.db"} <= set(names)
    assert {name: file for name, file in names.items() if name not in listed} == {}


def test_every_table_with_a_user_is_erased_by_a_store():
    tables = {match[1]: file for file, text in sources() for match in TABLE.finditer(text) if "user_id" in match[2]}
    names = {"dead_letters" if name.startswith("{") and "dead" in file else name for name, file in tables.items()}
    assert names == set(TABLES)
    assert set(TABLES.values()) <= {store.name for store in STORES}


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_every_store_has_an_erase_function_and_says_what_it_holds(store):
    assert callable(store.erase)
    assert store.holds
