"""A worker imports what an answer needs: packages of training, of releases and of tools cost seconds and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.small_release import release

ROOT = Path(__file__).parents[2]
NOT_NEEDED = (
    # Feast, and what it brings
    *("feast", "pandas", "ibis", "duckdb", "sqlalchemy", "sqlglot", "requests", "cryptography", "dill", "gunicorn"),
    # what BentoML's server has for services that are other programs, and for its own supervisor
    *("aiohttp", "circus", "zmq", "fastapi"),
    # training and its tools
    *("torch", "sklearn", "lightgbm", "implicit", "transformers", "sentence_transformers", "faiss"),
    *("dvc", "prefect", "great_expectations", "optuna", "typer", "matplotlib", "networkx"),
    # stores that this service does not use
    *("redis", "psycopg", "confluent_kafka", "nats"),
)
REHEARSAL = f"""
import json, sys
from services.worker import rehearse
rehearse()
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps([sorted(loaded & set({NOT_NEEDED!r})), "bentoml" in loaded, "models.recommender" in sys.modules]))
"""


@pytest.fixture(scope="module")
def imported(made, tmp_path_factory) -> list:
    """Which of NOT_NEEDED a worker has imported once it has loaded a release and warmed it up."""
    from features.settings import Settings

    home = tmp_path_factory.mktemp("home")
    release(made, Settings(home=home), "r1")
    done = subprocess.run(
        [sys.executable, "-c", REHEARSAL],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "RECOPS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not load" not in done.stderr
    return json.loads(done.stdout)


def test_a_worker_that_has_loaded_a_release_has_imported_no_package_of_training_or_tools(imported):
    not_needed, serves_by_bentoml, has_loaded = imported
    assert serves_by_bentoml
    assert has_loaded
    assert not_needed == []
