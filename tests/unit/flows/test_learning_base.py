"""What learning begins with: all rows of a project's data, when params.yaml asks for it; else nothing at all."""

from __future__ import annotations

import numpy as np
import pytest

from flows.project.dataset import Project
from flows.releasing.learning.learning_base import prepare_learning
from models.data.saved_params import write_params
from models.data.storage import write_arrays
from models.data.tables import read_catalogue
from models.learning.base import read_base
from models.learning.erasure import forget_learned
from models.learning.user_rows import key_of
from models.registry import make
from models.release.plan import Plan
from tests.support.part_inputs import make_log
from tests.support.release_project import make_project

PLAN = Plan(
    retrievers=["ease", "item_knn", "popular"], k=5, ranker="fusion", features=[], reranker="mmr", reranker_params={}
)


@pytest.fixture
def project(tmp_path) -> Project:
    """Ten rows: two of test, which the bundle does not know."""
    root = tmp_path / "project"
    make_project(root)
    bundle = root / "data" / "bundle"
    write_arrays({"text": np.zeros((0, 0), dtype=np.float32)}, bundle / "vectors" / "vectors.safetensors")
    write_params(PLAN, bundle / "recommender.json")
    for name in PLAN.retrievers:
        catalogue = read_catalogue(bundle / "catalogue")
        make("retriever", name).fit(make_log([(0, 1, 1), (0, 2, 2)]), catalogue).save(bundle / "retrievers" / name)
    return Project(root)


def prepare(project: Project, tmp_path, params: str):
    (project.root / "params.yaml").write_text(f"clean: {{}}\n{params}")
    release = tmp_path / "release"
    release.mkdir(exist_ok=True)
    prepare_learning(project, project.paths.bundle, release)
    return release


@pytest.mark.parametrize("params", ["", "learn: {enabled: false}\n"])
def test_nothing_is_written_unless_params_ask_for_it(project, tmp_path, params):
    assert list(prepare(project, tmp_path, params).iterdir()) == []


def test_learning_begins_with_all_rows_of_the_data(project, tmp_path):
    base = read_base(prepare(project, tmp_path, "learn: {enabled: true, max_pairs: 7}\n") / "learning")
    assert base is not None and base.params.max_pairs == 7
    assert sorted(base.sums) == ["item_knn", "popular"]  # ease is no sum over users
    assert len(base.rows.items) == 10
    first = base.rows.place(key_of("u0"))
    assert base.rows.items[base.rows.offsets[first] : base.rows.offsets[first + 1]].tolist() == [0, 3, 2, 1]
    # all three users chose items 0 and 1; u0 and u2 chose 2, u0 and u1 chose 3
    assert base.sums["item_knn"].others["sums"].tolist() == [3.0, 3.0, 2.0, 2.0]
    assert base.rows.at == project.data_until()


def test_an_erased_user_leaves_it_and_is_gone_once(project, tmp_path):
    release = prepare(project, tmp_path, "learn: {enabled: true}\n")
    (release / "bundle").symlink_to(project.paths.bundle)
    assert [forget_learned(release, user_id) for user_id in ("u0", "u0", "nobody")] == [1, 0, 0]
    base = read_base(release / "learning")
    assert base is not None and len(base.rows.items) == 6
    assert base.sums["item_knn"].others["sums"].tolist() == [2.0, 2.0, 1.0, 1.0]
    assert forget_learned(tmp_path / "other", "u1") == 0
