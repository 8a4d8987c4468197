"""The processes of infra/compose.yaml, started natively on PostgreSQL and Redis, pass their smoke test."""

from __future__ import annotations

import shutil
import uuid

import psycopg
import pytest

from flows.orchestration.processes import free_port
from tests.support.workspace import ROOT, copy_workspace, recops, run


@pytest.mark.soak
def test_the_same_processes_natively_pass_the_smoke_test(finished_project, tmp_path, postgres_url, redis_url):
    folder = copy_workspace(finished_project, tmp_path / "project")
    shutil.copytree(ROOT / "infra", folder / "infra")
    server, _, name = postgres_url.rpartition("/")
    prefect = f"{name}_prefect"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'create database "{prefect}"')
    try:
        state = {
            "RECOPS_HOME": str(tmp_path / f"home-{uuid.uuid4().hex[:8]}"),
            "RECOPS_DATABASE_URL": postgres_url,
            "RECOPS_ONLINE_STORE": redis_url,
        }
        recops(folder, "release", **state)
        address = f"{server}/{prefect}".replace("postgresql://", "postgresql+asyncpg://")
        ports = {"RECOPS_NATIVE_PREFECT_PORT": str(free_port()), "RECOPS_NATIVE_SERVICE_PORT": str(free_port())}
        environment = {**state, **ports, "PREFECT_SERVER_DATABASE_CONNECTION_URL": address}
        said = run("infra/native.py", "smoke", cwd=folder, **environment).stdout
    finally:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'drop database if exists "{prefect}" with (force)')
    for line in (
        "accepted once, a duplicate the second time",
        "the next answer reflects the event",
        "Prefect on PostgreSQL",
    ):
        assert line in said, said
