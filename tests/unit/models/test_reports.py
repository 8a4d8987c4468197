"""Reports and figures of an evaluation: what people and `dvc` read."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import vl_convert

from features.errors import UserError
from flows.judging.plots_page import VEGA_LITE
from flows.project.reference import history_csv
from models.evaluation.evaluate import SLICES, Evaluation, Params, evaluate
from models.evaluation.intervals import Interval
from models.evaluation.metrics import metric_names
from models.evaluation.results import load, save
from models.evaluation.test_set import make_test_set
from models.gate.checks import Result
from models.gate.decision import Decision
from models.release.store import Release, ReleaseStore
from models.reports.key_figures import key_figures
from models.reports.plots import history, plot_tables, write
from models.reports.rolling_table import rolling_figures
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


def test_twenty_series_have_twenty_colors_that_differ_and_the_challenger_is_black(evaluation: Evaluation) -> None:
    for name in ("lines", "bars_by_model"):
        colors = palette(name)
        lab = np.array([lab_of(color) for color in [*colors, "#ffffff"]])
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=2) + 1000 * np.eye(len(lab))
        assert len(colors) == 20 and distances.min() > 30  # 2.3 is just noticed; white is the paper
        assert colors[0] == "#000000"
        assert json.loads((PLOTS / f"{name}.json").read_text().replace("\n", ""))  # DVC reads them as JSON
    assert palette("curves") == palette("lines")[1:]  # no challenger among them


def test_vega_draws_the_challenger_thick_and_black_wherever_it_stands() -> None:
    models = [f"retriever:{place:02}" for place in range(19)]
    points = [
        {"series": series, "k": k, "recall": place / 20 + k, "rev": "workspace"}
        for place, series in enumerate([*models[:7], "challenger", *models[7:]])
        for k in (1, 2)
    ]
    svg = drawn("lines", points, x="k", y="recall")
    lines = re.findall(
        r'<path aria-label="[^"]*series: ([^;"]*)[^"]*"[^>]*stroke="(#[0-9a-f]*)" stroke-width="([0-9.]*)"', svg
    )
    assert len(lines) == len({color for _, color, _ in lines}) == 20
    assert [(color, width) for series, color, width in lines if series == "challenger"] == [("#000000", "4")]
    assert {width for series, _, width in lines if series != "challenger"} == {"1.5"}


def palette(template: str) -> list[str]:
    return re.findall(r"#[0-9a-f]{6}", re.findall(r'"range": \[([^]]*)\]', (PLOTS / f"{template}.json").read_text())[0])


def lab_of(color: str) -> list[float]:
    """CIE L*a*b* under D65, from sRGB."""
    shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [((share + 0.055) / 1.055) ** 2.4 if share > 0.04045 else share / 12.92 for share in shares]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [np.dot(row, linear) / white for row, white in zip(rows, (0.9505, 1.0, 1.089), strict=True)]
    x, y, z = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in xyz)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


def drawn(template: str, points: list[dict], *, x: str, y: str) -> str:
    """The picture that Vega makes of one of our templates, as DVC would fill it in."""
    text = (PLOTS / f"{template}.json").read_text(encoding="utf-8")
    text = text.replace('"<DVC_METRIC_DATA>"', json.dumps(points)).replace("<DVC_METRIC_TITLE>", "")
    for axis, name in (("X", x), ("Y", y)):
        text = text.replace(f"<DVC_METRIC_{axis}_LABEL>", name).replace(f"<DVC_METRIC_{axis}>", name)
    return vl_convert.vegalite_to_svg(json.loads(text), vl_version=VEGA_LITE)


def test_the_tables_of_the_plots_are_small_enough_for_git(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = pl.DataFrame(
        {
            "user_id": [f"u{n % 100}" for n in range(2000)],
            "item_id": [f"i{item}" for item in rng.integers(0, 300, 2000)],
        }
    )
    test_set = make_test_set(rows[:1000], rows[1000:])
    models = ["challenger", "champion", "popular", "oracle", *(f"retriever:a_long_name_{n:02}" for n in range(16))]
    lists = {model: np.stack([rng.permutation(300)[:100] for _ in range(len(test_set))]) for model in models}
    write(plot_tables(evaluate(test_set, lists, PARAMS), NAMES), tmp_path)
    assert 20_000 < sum(path.stat().st_size for path in tmp_path.iterdir()) < 150_000


def test_the_key_figures_are_a_dozen_flat_numbers_that_people_compare(evaluation: Evaluation) -> None:
    relative, absolute = Interval(0.25, 0.1, 0.4), Interval(0.1, 0.05, 0.15)
    check = Result(
        metric="ndcg@10",
        segment="warm",
        margin=0.05,
        outcome="superior",
        n_queries=300,
        challenger=0.5,
        champion=0.4,
        difference=absolute,
        relative=relative,
        sentence="…",
    )
    decision = Decision(
        promote=True, verdict="superior", reasons=["Promoted: better."], results=[check], champion="the champion"
    )
    users, values = np.array(["a", "b"]), {"challenger": {"ndcg@10": np.array([0.5, 0.25])}}
    profile = {"n_rows": 700, "n_users": 60, "n_items": 40, "null_share": {}}
    figures = key_figures(evaluation, decision, rolling_figures(users, values, n_resamples=50), profile, 10)
    assert all(isinstance(figure, (int, float)) for figure in figures.values())
    assert list(figures) == [
        *("promote", "ndcg@10", "ndcg@10_low", "ndcg@10_high", "lift", "recall@10"),
        *("rolling_ndcg@10", "coverage@10", "novelty@10", "n_rows", "n_users", "n_items"),
    ]  # no item of this world is new
    assert figures["ndcg@10_low"] < figures["ndcg@10"] < figures["ndcg@10_high"]
    assert (figures["promote"], figures["lift"], figures["rolling_ndcg@10"]) == (1, 0.25, 0.375)
    # no times, no rolling judging; a champion without hits, no ratio: JSON has no infinity
    alone = replace(decision, promote=False, results=[replace(check, relative=Interval(*[float("inf")] * 3))])
    fewer = key_figures(evaluation, alone, None, profile, 10)
    assert set(figures) - set(fewer) == {"lift", "rolling_ndcg@10"} and fewer["promote"] == 0
    # another metric at the gate comes with its interval, NDCG stays
    other = replace(decision, results=[replace(check, metric="recall@20")])
    assert {"recall@20", "recall@20_low", "ndcg@10", "recall@10"} <= set(
        key_figures(evaluation, other, None, profile, 10)
    )


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
    assert past.get_column("live").to_list() == [0, 1]
    rows = history(past, {"ndcg@10": 0.2, "recall@10": 0.3}).filter(series="ndcg@10")
    assert rows.select("release", "value").rows() == [("r1", 0.1), ("r2", 0.15), ("judged now", 0.2)]
