"""infra/: the compose file fits its published schema, and its parts fit each other."""

from __future__ import annotations

import json
from pathlib import Path

import check_jsonschema
import jsonschema
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


@pytest.fixture
def compose():
    return YAML(typ="safe").load((ROOT / "infra" / "compose.yaml").read_text())


def schema():
    folder = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    return json.loads((folder / "compose-spec.json").read_text())


def test_the_compose_file_fits_the_published_schema(compose):
    jsonschema.validate(compose, schema())


def test_the_schema_would_notice_a_fault(compose):
    compose["services"]["redis"]["helthcheck"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(compose, schema())


def test_it_holds_what_the_platform_runs_on(compose):
    assert set(compose["services"]) == {"postgres", "redis", "prefect", "worker", "reports", "service", "prometheus"}


def test_every_file_that_it_mounts_or_builds_from_is_there(compose):
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / "infra" / source).exists(), source
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_no_secret_stands_in_it(compose):
    for name, service in compose["services"].items():
        for key, value in (service.get("environment") or {}).items():
            if any(word in key for word in ("PASSWORD", "KEYS", "TOKEN")):
                assert str(value).startswith("${"), f"{name}: {key}"


def test_prefect_is_the_version_of_the_lock_file(compose):
    lock = (ROOT / "requirements.lock").read_text()
    version = next(line.split("==")[1] for line in lock.splitlines() if line.startswith("prefect=="))
    assert compose["services"]["prefect"]["image"].startswith(f"prefecthq/prefect:{version}")


def test_prometheus_scrapes_the_service(compose):
    config = YAML(typ="safe").load((ROOT / "infra" / "prometheus" / "prometheus.yml").read_text())
    (target,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    name, port = target.split(":")
    assert name in compose["services"]
    assert any(str(published).endswith(f":{port}") for published in compose["services"][name]["ports"])
    for file in config["rule_files"]:
        assert YAML(typ="safe").load((ROOT / "infra" / "prometheus" / file).read_text())["groups"]
