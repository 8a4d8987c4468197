"""A new part is one file, one line of its table and its section: nothing else names it, and all works with it."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from features.errors import UserError
from flows.project.dataset import Project
from flows.rating.judge_raters import raters_in_use
from models.data.queries import one_query
from models.data.types import Ratings, Slate
from models.explain import reasons
from models.interfaces import KnowsUncertainty, Ranker, Rater, Reranker, Retriever
from models.rankers import RANKERS
from models.ranking.ranker_data import RankerData
from models.ranking.training import Params, train_ranker
from models.raters import RATERS
from models.registry import make, name_of, part_names
from models.release.plan import read_part
from models.rerankers import RERANKERS
from models.retrieval.candidates import candidates_of
from models.retrievers import RETRIEVERS
from tests.support.part_inputs import DAY, make_catalogue, make_log

ROOT = Path(__file__).parents[2]
PART = '''
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.data.types import Hits
from models.ranking.training import Trained


class PartParams(BaseModel):
    model_config = ConfigDict(extra="forbid")
    first: int = 0


class Part:
    Params = PartParams
    reason = "friends"

    def __init__(self, params=None):
        self.params = params or PartParams()

    def save(self, folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / "params.json").write_text(self.params.model_dump_json())

    @classmethod
    def load(cls, folder):
        return cls(PartParams.model_validate_json((Path(folder) / "params.json").read_text()))


class OneRetriever(Part):
    """Offers one item to everybody."""

    def fit(self, log, catalogue):
        return self

    def retrieve(self, queries, k):
        items = np.full((len(queries), k), -1, dtype=np.int32)
        items[:, 0] = self.params.first
        return Hits(items, np.ones((len(queries), k), dtype=np.float32))


class ColumnRanker(Part):
    """Scores by one column."""

    def fit(self, features, labels, groups, names):
        return self

    def score(self, features):
        return features[:, self.params.first]


class OwnWayRanker(ColumnRanker):
    """Ships itself without being compared."""

    def train(self, data, params):
        return Trained("own_way", self, {"why": f"learned from {len(data.groups)} queries"})


class LastReranker(Part):
    """Shows the last first."""

    def order(self, items, scores, catalogue, k):
        return np.arange(len(items))[::-1][:k]


class SureRater(Part):
    """Predicts one value, and knows how surely."""

    def fit(self, ratings, catalogue):
        return self

    def predict(self, users, items, times):
        return np.full(len(users), self.params.first, dtype=np.float32)

    def uncertainty(self, users, items, times):
        return np.ones(len(users), dtype=np.float32)
'''


@pytest.fixture(autouse=True)
def parts(tmp_path, monkeypatch):
    """The throw-away parts' file, and a line in each table."""
    (tmp_path / "throw_away.py").write_text(PART)
    monkeypatch.syspath_prepend(str(tmp_path))
    for table, name, kind in (
        (RETRIEVERS, "one", "OneRetriever"),
        (RANKERS, "column", "ColumnRanker"),
        (RANKERS, "own_way", "OwnWayRanker"),
        (RERANKERS, "last", "LastReranker"),
        (RATERS, "sure", "SureRater"),
    ):
        monkeypatch.setitem(table, name, f"throw_away:{kind}")


def data(n_queries: int = 120, size: int = 10) -> RankerData:
    rng = np.random.default_rng(0)
    hint = rng.random((n_queries * size, 1)).astype(np.float32)
    labels = (hint[:, 0] > 0.8).astype(np.float32)
    ranks = np.tile(np.arange(1, size + 1), n_queries)[:, None]
    return RankerData(
        features=np.concatenate([1.0 / ranks, hint], axis=1).astype(np.float32),
        labels=labels,
        groups=np.full(n_queries, size, dtype=np.int32),
        n_targets=labels.reshape(n_queries, size).sum(axis=1).astype(np.int64),
        user_ids=np.array([f"u{query}" for query in range(n_queries)]),
        live=np.ones(n_queries, dtype=np.bool_),
        names=("inverse_rank:one", "hint"),
    )


def test_a_retriever_is_made_asked_explained_saved_and_read(tmp_path):
    catalogue, log = make_catalogue(4), make_log([(0, 1, 1)])
    part = make("retriever", "one", {"first": 2}).fit(log, catalogue)
    assert isinstance(part, Retriever)
    assert "one" in part_names("retriever") and name_of("retriever", part) == "one"
    query = one_query("u", DAY, ["i1"], [0], catalogue.vocabulary)
    assert candidates_of({"one": part}, query, 3, 4).item.tolist() == [2]
    slate = Slate(
        items=np.array([[2]], np.int32),
        scores=np.ones((1, 1), np.float32),
        sources=np.ones((1, 1, 1), np.float32),
        retrievers=("one",),
    )
    assert reasons({"one": part}, catalogue, query, slate) == [["Chosen by people you know"]]
    part.save(tmp_path / "one")
    assert read_part("retriever", "one", tmp_path / "one").params == part.params


def test_the_example_of_contributing_works_as_it_stands(tmp_path, monkeypatch):
    """u0 chose i1 in the last three days before day 10, u1 chose i2 long before: i1 alone is offered."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (tmp_path / "trending_of_the_docs.py").write_text(text.split("```python\n", 1)[1].split("```", 1)[0])
    monkeypatch.setitem(RETRIEVERS, "trending", "trending_of_the_docs:Trending")
    catalogue, log = make_catalogue(4), make_log([(0, 1, 9), (1, 2, 1)], at=10 * DAY)
    part = make("retriever", "trending", {"recent_days": 3}).fit(log, catalogue)
    query = one_query("u9", 10 * DAY, [], [], catalogue.vocabulary)
    assert part.retrieve(query, 2).items.tolist() == [[1, -1]]
    part.save(tmp_path / "saved")
    assert read_part("retriever", "trending", tmp_path / "saved").retrieve(query, 2).items.tolist() == [[1, -1]]


def test_a_ranker_is_trained_by_its_section_alone():
    section = {"name": "column", "min_queries": 10, "column": {"first": 1}}
    trained = train_ranker(data(), Params.model_validate(section))
    assert trained.name == "column" and isinstance(trained.ranker, Ranker)
    assert trained.ranker.params.first == 1
    with pytest.raises(UserError, match=r"section 'ranker.column' does not fit.*second: Extra inputs"):
        train_ranker(data(), Params.model_validate({"name": "column", "column": {"second": 1}}))


def test_a_ranker_may_train_itself():
    trained = train_ranker(data(50), Params.model_validate({"name": "own_way"}))
    assert (trained.name, trained.figures["why"]) == ("own_way", "learned from 50 queries")


def test_a_section_of_no_ranker_is_refused():
    with pytest.raises(ValueError, match="strangers"):
        Params.model_validate({"strangers": {}})


def test_a_reranker_is_made_from_its_params():
    part = make("reranker", "last", {})
    assert isinstance(part, Reranker)
    assert part.order(np.arange(5), np.ones(5), None, 2).tolist() == [4, 3]


def test_a_rater_is_used_by_its_section_alone(tmp_path):
    (tmp_path / "params.yaml").write_text("raters:\n  sure: {first: 3}\n")
    raters = raters_in_use(Project(tmp_path))
    assert list(raters) == ["sure"]
    assert isinstance(raters["sure"], Rater) and isinstance(raters["sure"], KnowsUncertainty)
    none = np.zeros(0, dtype=np.int64)
    ratings = Ratings(
        user_ids=np.zeros(0, dtype=np.str_), users=none, items=none, values=none, times=none, weights=none
    )
    two = np.zeros(2, dtype=np.int32)
    assert raters["sure"].fit(ratings, make_catalogue(1)).predict(two, two, two).tolist() == [3, 3]


def test_what_trains_explains_and_recommends_names_no_part_but_the_defaults():
    files = [*(ROOT / "models/ranking").glob("*.py"), *(ROOT / "flows/stages").glob("train_*.py")]
    files += [ROOT / "models" / f"{name}.py" for name in ("explain", "recommender", "registry")]
    names = {name for kind in ("retriever", "ranker", "reranker", "rater") for name in part_names(kind)}
    named = {
        (file.name, node.value)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert named == {("training.py", "horizons"), ("training.py", "fusion")}  # what is tried, and what is to be beaten
