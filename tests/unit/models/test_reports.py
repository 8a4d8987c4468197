"""Reports and figures of an evaluation: what people and `dvc` read."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.errors import UserError
from flows.project.reference import history_csv
from models.evaluation.evaluate import SLICES, Evaluation, Params, evaluate
from models.evaluation.metrics import metric_names
from models.evaluation.results import load, save
from models.evaluation.test_set import make_test_set
from models.release.store import Release, ReleaseStore
from models.reports.plots import history, plot_tables
from models.reports.summary import aligned, as_markdown, as_text, metrics_dict

PARAMS = Params(bootstrap=100)
NAMES = metric_names(PARAMS.k)
PLOTS = Path(__file__).parents[3] / ".dvc" / "plots"


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Three models on 60 users, 40 items; the champion is the built-in popular."""
    rng = np.random.default_rng(4)

    def rows(n: int, users: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "user_id": [f"u{user}" for user in rng.integers(0, users, n)],
                "item_id": [f"i{item}" for item in rng.integers(0, 40, n)],
            }
        )

    items = pl.DataFrame({"item_id": [f"i{item}" for item in range(40)], "tags": [["a"], ["b"]] * 20})
    test_set = make_test_set(rows(400, 50), rows(300, 60), items)
    lists = {
        name: np.stack([rng.permutation(40)[:30] for _ in range(len(test_set))]) for name in ("challenger", "popular")
    }
    lists |= {"champion": lists["popular"], "retriever:ease": lists["challenger"][:, ::-1]}
    return evaluate(test_set, lists, PARAMS)


def test_metrics_json_is_flat_readable_numbers(evaluation: Evaluation) -> None:
    found = metrics_dict(evaluation, NAMES, 10)
    json.dumps(found, allow_nan=False)
    assert found["models"]["challenger"]["ndcg@10"] == evaluation.value("challenger", "ndcg@10")
    assert {"coverage@10", "novelty@10", "ild@10", "pop_lift@10", "gini@10"} <= set(found["models"]["challenger"])
    assert set(found["models"]["retriever:ease"]) == {"ndcg@10", "recall@10"}
    bounds = found["intervals"]["challenger"]["ndcg@10"]
    assert bounds["low"] < found["models"]["challenger"]["ndcg@10"] < bounds["high"]
    assert set(found["challenger_against"]) == {"champion", "popular", "retriever:ease"}
    assert found["slices"]["new_users"]["n_queries"] > 0


def test_the_text_is_aligned_and_names_every_slice_and_model(evaluation: Evaluation) -> None:
    text = as_text(evaluation, NAMES, 10, ["champion: the built-in popular"])
    assert text.startswith("champion: the built-in popular\n")
    assert all(f"  {slice}: {words}" in text for slice, words in SLICES.items())
    assert "challenger - retriever:ease" in text
    # the built-in popular is the champion here: it stands once
    assert not any(line.startswith("popular ") for line in text.splitlines())
    table = aligned([["a", "value"], ["long name", "1"]]).splitlines()
    assert table == ["a          value", "---------  -----", "long name      1"]


def test_markdown_has_one_table_a_part(evaluation: Evaluation) -> None:
    assert as_markdown(evaluation, NAMES, 10).count("\n|---|") == 4


def test_an_evaluation_comes_back_from_its_files(evaluation: Evaluation, tmp_path: Path) -> None:
    save(evaluation, "popular", tmp_path, bundle_hash="ab12")
    again, champion = load(tmp_path)
    assert champion == "popular"
    assert again.models == evaluation.models
    assert again.summary.equals(evaluation.summary)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    save(again, champion, tmp_path, bundle_hash="ab12")
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_sample_of_the_users_is_told_in_every_report_and_kept_in_the_files(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    sentence = "Judged on a seeded sample of the 12,345 users of the test part"
    sampled = replace(evaluation, sampled_from=12_345)
    assert sentence in as_text(sampled, NAMES, 10)
    assert sentence in as_markdown(sampled, NAMES, 10)
    assert "sample" not in as_text(evaluation, NAMES, 10).partition("slices, in")[0]
    save(sampled, "popular", tmp_path, bundle_hash="x")
    assert load(tmp_path)[0].sampled_from == 12_345
    save(evaluation, "popular", tmp_path, bundle_hash="x")
    assert load(tmp_path)[0].sampled_from is None


def test_no_evaluation_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="recops run"):
        load(tmp_path)


def test_figures_have_the_columns_that_the_templates_draw(evaluation: Evaluation) -> None:
    tables = plot_tables(evaluation, NAMES)
    bars, lines = ((PLOTS / f"{name}.json").read_text(encoding="utf-8") for name in ("bars_by_model", "lines"))
    for name in ("models.csv", "slices.csv"):
        assert {"slice", "model", "ndcg@10", "low", "high"} <= set(tables[name].columns)
    assert all(f'"field": "{column}"' in bars for column in ("model", "low"))
    assert tables["recall_at_k.csv"].columns == ["series", "k", "recall"]
    assert '"field": "series"' in lines
    recall = tables["recall_at_k.csv"].filter(series="challenger", k=10).get_column("recall")[0]
    assert recall == pytest.approx(evaluation.value("challenger", "recall@10"), abs=1e-6)


def test_the_metric_history_ends_with_what_is_judged_now(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    for name, metrics in {"r1": {"ndcg@10": 0.1, "recall@10": 0.2}, "r2": {"ndcg@10": 0.15}}.items():
        store.folder(name).mkdir(parents=True)
        release = Release(
            release=name,
            bundle_hash="",
            created_at="2025-01-01T00:00:00+00:00",
            data_until=0,
            events_through=0,
            namespace=name,
            bento_tag=None,
            metrics=metrics,
            source={},
        )
        (store.folder(name) / "release.json").write_text(json.dumps(release.__dict__), encoding="utf-8")
        store.swap(name, who="ann", why="test")
    past = pl.read_csv(io.StringIO(history_csv(store)), schema_overrides={"release": pl.String})
    rows = history(past, {"ndcg@10": 0.2, "recall@10": 0.3}).filter(series="ndcg@10")
    assert rows.select("release", "value").rows() == [("r1", 0.1), ("r2", 0.15), ("judged now", 0.2)]
