"""Python for data scientists: the door of a project, and the notebook that docs hand out."""

from __future__ import annotations

import ast
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import UserError
from flows.workspace import Workspace, open_project

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


@pytest.fixture(scope="module")
def shop(finished_project: Path) -> Workspace:
    return open_project(finished_project)


def test_every_cell_of_the_notebook_runs_and_shows_something(
    finished_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished_project)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")
    names: dict[str, Any] = {}
    shown = [_run_cell(source, names) for source in sources]
    assert all(isinstance(value, pl.DataFrame) and value.height for value in shown[1:])
    assert "recops project" in repr(shown[0])


def _run_cell(source: str, names: dict[str, Any]) -> Any:
    """Runs a cell as Jupyter does; the value of its last line."""
    tree = ast.parse(source)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307


def test_the_list_is_that_of_the_command_line_with_titles(
    shop: Workspace, finished_project: Path, tmp_path: Path
) -> None:
    from features.settings import read_settings
    from flows.project.dataset import Project
    from flows.recommend import recommend_batch

    user = shop.interactions["user_id"][0]
    batch = recommend_batch(
        Project(finished_project), read_settings(), [user], bundle=None, k=7, at=None, include_seen=False
    )
    frame = shop.recommend(user, k=7)
    columns = ["user_id", "item_id", "rank", "score", "reason"]
    assert frame.select(columns).equals(batch.table.select(columns))
    titles = dict(shop.items.select("item_id", "title").iter_rows())
    assert frame["title"].to_list() == [titles[item] for item in frame["item_id"]]


def test_a_history_is_newest_first_and_a_stranger_has_none(shop: Workspace) -> None:
    user = shop.interactions["user_id"][-1]
    history = shop.history(user, 3)
    assert history["timestamp"].is_sorted(descending=True)
    assert history["item_id"][0] == shop.interactions["item_id"][-1]
    with pytest.raises(UserError, match="no interaction of user 'nobody'"):
        shop.history("nobody")
    assert shop.recommend("nobody", k=3).height == 3


def test_a_list_of_the_past_does_not_know_what_came_later(shop: Workspace) -> None:
    rows = shop.interactions
    user, until = rows["user_id"][-1], rows["timestamp"][-1]
    first = rows.filter(pl.col("user_id") == user)["timestamp"][0]
    before = shop.recommend(user, k=5, at=first - timedelta(days=1))
    assert (
        before["item_id"].to_list() == shop.recommend("nobody", k=5, at=first - timedelta(days=1))["item_id"].to_list()
    )
    assert shop.recommend(user, k=5, at=until).height == 5


def test_an_explanation_gives_the_rank_in_each_retriever_and_in_the_list(shop: Workspace) -> None:
    user = shop.interactions["user_id"][-1]
    items = shop.recommend(user, k=3)["item_id"].to_list()
    for rank, item in enumerate(items, 1):
        explained = shop.explain(user, item)
        assert explained["retriever"].to_list() == [*shop.recommender.retrievers, "recommender"]
        assert explained.filter(retriever="recommender")["rank"].item() == rank
    assert explained["rank"].drop_nulls().min() >= 1
    with pytest.raises(UserError, match="item 'nothing' is not in the bundle"):
        shop.explain(user, "nothing")
    with pytest.raises(UserError, match="item 'nothing' is not in the bundle"):
        shop.similar("nothing")


def test_similar_items_do_not_hold_the_item_itself(shop: Workspace) -> None:
    item = shop.interactions["item_id"][-1]
    similar = shop.similar(item, k=5)
    assert similar.columns == ["rank", "item_id", "title", "score"]
    assert item not in similar["item_id"]


def test_the_metrics_are_those_of_the_last_judgment(shop: Workspace, finished_project: Path) -> None:
    frame = shop.evaluate()
    saved = json.loads((finished_project / "data/reports/metrics.json").read_text())
    assert frame["model"][0] == "challenger"
    assert set(frame["model"]) == set(saved["models"])


def test_a_folder_without_a_project_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no dvc\.yaml in .* or above it"):
        open_project(tmp_path)


def test_a_project_without_a_bundle_says_what_makes_one(tmp_path: Path) -> None:
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_bytes((NOTEBOOK.parents[1] / name).read_bytes())
    with pytest.raises(UserError, match="recops run"):
        open_project(tmp_path).similar("b130")
