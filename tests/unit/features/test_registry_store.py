"""The registry file that releases and Feast's command line share."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from features.errors import UserError
from features.online.repository.registry import (
    RegistryUnavailableError,
    forget_project,
    open_project,
    registry_file,
    registry_section,
)
from features.repo.store import feast, open_store, quiet
from features.settings import Settings


def store_of(home: Path, project: str):
    return open_store(project, registry_section(Settings(home=home), project), {"type": "sqlite", "path": "unused"})


def add(store, name: str) -> None:
    from feast import Entity, ValueType

    with quiet():
        store.registry.apply_entity(Entity(name=name, join_keys=[name], value_type=ValueType.STRING), store.project)


def entities_of(home: Path, project: str) -> list[str]:
    return sorted(entity.name for entity in store_of(home, project).list_entities())


@pytest.fixture(autouse=True)
def _feast():
    feast()


def test_two_that_read_the_registry_before_the_other_wrote_keep_each_others_work(tmp_path):
    first, second = store_of(tmp_path, "a"), store_of(tmp_path, "b")
    _ = first.registry, second.registry  # both have read
    add(first, "x")
    add(second, "y")
    add(first, "z")
    assert entities_of(tmp_path, "a") == ["x", "z"]
    assert entities_of(tmp_path, "b") == ["y"]


def test_one_that_sees_all_projects_changes_only_what_it_touched(tmp_path):
    add(store_of(tmp_path, "a"), "x")
    whole = open_store(
        "recops",
        {**registry_section(Settings(home=tmp_path), ""), "path": str(registry_file(tmp_path))},
        {"type": "sqlite"},
    )
    _ = whole.registry
    add(store_of(tmp_path, "a"), "later")
    add(store_of(tmp_path, "b"), "y")
    add(whole, "mine")
    assert entities_of(tmp_path, "a") == ["later", "x"]
    assert entities_of(tmp_path, "b") == ["y"]
    assert entities_of(tmp_path, "recops") == ["mine"]


def test_feasts_caches_tell_what_was_read_later_from_what_had_the_same_address(tmp_path):
    from feast.infra.registry.proto_registry_utils import list_entities

    store = store_of(tmp_path, "a")
    add(store, "x")
    shared = store.registry._registry_store
    read = shared.get_registry_proto()
    assert [entity.name for entity in list_entities(read, "a", None)] == ["x"]
    add(store, "y")
    read.CopyFrom(shared.get_registry_proto())
    assert [entity.name for entity in list_entities(read, "a", None)] == ["x", "y"]


def test_feasts_caches_see_what_was_written_since_they_asked(tmp_path):
    from feast.infra.registry.proto_registry_utils import list_entities

    store = store_of(tmp_path, "a")
    add(store, "x")
    held = store.registry.cached_registry_proto
    assert [entity.name for entity in list_entities(held, "a", None)] == ["x"]
    add(store, "y")
    assert [entity.name for entity in list_entities(held, "a", None)] == ["x", "y"]


def _apply_many(home: Path, project: str) -> None:
    store = store_of(home, project)
    for number in range(8):
        add(store, f"e{number}")


def test_several_processes_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_apply_many, args=(tmp_path, f"p{n}")) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    for n in range(4):
        assert entities_of(tmp_path, f"p{n}") == [f"e{number}" for number in range(8)]


def test_a_project_that_was_forgotten_leaves_the_others(tmp_path):
    settings = Settings(home=tmp_path)
    forget_project(settings, "a")  # no registry yet
    for project in ("a", "ab"):
        add(store_of(tmp_path, project), "x")
    forget_project(settings, "a")
    forget_project(settings, "a")
    assert entities_of(tmp_path, "ab") == ["x"]
    assert [held.name for held in store_of(tmp_path, "ab").list_projects()] == ["ab"]
    assert entities_of(tmp_path, "a") == []


def test_what_a_store_has_read_changes_only_when_it_is_refreshed(tmp_path):
    add(store_of(tmp_path, "a"), "x")
    reader = store_of(tmp_path, "a")
    held = reader.registry.list_entities("a", allow_cache=True)
    add(store_of(tmp_path, "a"), "later")
    assert reader.registry.list_entities("a", allow_cache=True) == held
    reader.refresh_registry()
    assert len(reader.registry.list_entities("a", allow_cache=True)) == 2


def test_a_registry_database_that_does_not_answer_is_told_in_a_sentence(tmp_path):
    settings = Settings(home=tmp_path, feast_registry="postgresql://anna:secret@127.0.0.1:1/none")
    with pytest.raises(RegistryUnavailableError, match=r"RECOPS_FEAST_REGISTRY.*does not answer") as told:
        open_project(settings, "a", {"type": "sqlite"})
    assert "secret" not in str(told.value)


def test_a_registry_setting_that_is_no_url_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"RECOPS_FEAST_REGISTRY is no URL.*postgresql://"):
        registry_section(Settings(home=tmp_path, feast_registry="registry.db"), "a")
