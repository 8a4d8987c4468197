"""The html report: complete in itself, well formed, and true to the figures that it is made of."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from models.ablation.kept import JudgedPart, Kept
from models.data.queries import queries_at
from models.data.vocabulary import Vocabulary
from models.evaluation.cold_start import with_cold_start
from models.evaluation.evaluate import Evaluation, Params, evaluate
from models.evaluation.intervals import Interval
from models.evaluation.test_set import make_test_set
from models.gate.checks import Result
from models.gate.decision import Decision
from models.reports.page.charts import bar, interval_bar, line_chart
from models.reports.page.document import page
from models.reports.page.judged_language import language_parts
from models.reports.page.origin import Origin
from models.reports.page.written_texts import written_texts
from models.reports.rolling_table import rolling_figures
from models.reports.sample_users import sample_users
from models.retrieval.text_to_collaborative.closed_form import MapSettings
from tests.support.part_inputs import DAY, make_catalogue

PAID = {"calls": 3, "tokens_in": 1000, "tokens_out": 234, "seconds": 5.0, "price": 0.5, "refused": 1}
USES = {"written": 9, "asked": 2, "local": 7, "reused": 0}
TOTAL = PAID | {"valid_share": 2 / 3, "price_a_thousand_recommendations": 0.125}
LEDGER = {"model": None, "parts": {"keywords": PAID | USES}, "total": TOTAL}
KEPT = Kept(skipped="nothing is on").model_dump()
EXAMPLES = [{"n_history": 2, "n_later": 1, "history": ["<b>&"], "shown": [{"title": "Tea", "chosen": True}]}]


def result(outcome: str, value: float = 0.2, metric: str = "ndcg@10") -> Result:
    apart = Interval(value, value - 0.1, value + 0.1)
    return Result(
        metric=metric,
        segment="warm",
        margin=0.05,
        outcome=outcome,
        n_queries=300,
        challenger=0.12,
        champion=0.1,
        difference=apart,
        relative=apart,
        sentence="…",
    )


def decision(promote: bool = True, reason: str = "Promoted: better than the champion in ndcg@10.") -> Decision:
    nothing = Interval(*[float("nan")] * 3)
    left_out = Result(
        metric="recall@10",
        segment="new_users",
        margin=0.2,
        outcome="too_few",
        n_queries=3,
        challenger=float("nan"),
        champion=float("nan"),
        difference=nothing,
        relative=nothing,
        sentence="…",
    )
    results = [result("superior"), result("worse", float("inf"), "pop_lift@10"), left_out]
    return Decision(
        promote=promote,
        verdict="superior" if promote else "worse",
        reasons=[reason],
        results=results,
        champion="the champion",
    )


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Three models on 30 users with slices of all history sizes."""
    rng = np.random.default_rng(4)
    table = {
        "user_id": [f"u{n % 30}" for n in range(300)],
        "item_id": [f"i{item}" for item in rng.integers(0, 40, 300)],
    }
    rows = pl.DataFrame(table)
    test_set = make_test_set(rows[:200], rows[200:])
    lists = {model: rng.integers(0, 20, (len(test_set), 20)) for model in ("challenger", "champion", "popular")}
    params = Params(bootstrap=100)
    found = evaluate(test_set, lists, params)
    chosen = (test_set.targets.lengths > 0) & (test_set.n_history > 0)
    short = {model: items[chosen] for model, items in lists.items()}
    return with_cold_start(found, test_set, chosen, dict.fromkeys((0, 1, 3, 10), short), params)


class Balance(HTMLParser):
    """Checks that every element that opens closes."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in self.VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line", "circle"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


ORIGIN = Origin(
    source="movielens",
    n_rows=100_000,
    n_users=943,
    n_items=1_682,
    first_event="1997-09-20T03:05:10+00:00",
    last_event="1998-04-22T23:10:38+00:00",
    test_cut="1998-03-05T07:04:00.000000+00:00",
    bundle_hash="ab" * 32,
    champion_hash="cd" * 32,
    release="r20260301-070500",
)
SIZES = pl.DataFrame({"series": ["ease"] * 2, "percent": [50, 100], "value": [0.1, 0.2]})


def rolling() -> pl.DataFrame:
    values = {
        model: {"ndcg@10": np.array([0.5, 0.0]), "hr@10": np.array([1.0, 0.0])} for model in ("challenger", "popular")
    }
    return rolling_figures(np.array(["a", "b"]), values, n_resamples=50)


def test_the_page_needs_nothing_else_and_is_well_formed(evaluation):
    html = page(evaluation, decision(), rolling(), SIZES, EXAMPLES, ORIGIN, LEDGER, KEPT)
    assert not re.search(r"https?:|<script|<link|<img|url\(|@import", html)
    assert html == page(evaluation, decision(), rolling(), SIZES, EXAMPLES, ORIGIN, LEDGER, KEPT)
    assert "nan%" not in html and "inf%" not in html
    reader = Balance()
    reader.feed(html)
    assert reader.open == []
    assert "Would more data help?" in reader.words
    assert "May go live: better than the champion in ndcg@10." in reader.words
    assert "<b>&" in reader.words and "<li><b>&" not in html  # titles are text, never html


def test_the_page_says_what_is_so_and_leaves_out_what_there_is_not(evaluation):
    html = page(
        evaluation,
        decision(False, "Refused: worse than the champion in ndcg@10."),
        None,
        SIZES.clear(),
        [],
        ORIGIN,
        LEDGER,
        KEPT,
    )
    assert "Stays off: worse than the champion in ndcg@10." in html
    assert all(words not in html for words in ("What users see", "rolling)", "more data"))
    hits = evaluation.value("challenger", "hr@10") * 10
    assert f"<b>{hits:.1f} of 10</b>" in html
    assert "How soon it knows a newcomer" in html
    bare = Evaluation(
        models=evaluation.models,
        per_query=evaluation.per_query,
        summary=evaluation.summary.filter(~pl.col("slice").str.starts_with("history_")),
        differences=evaluation.differences,
        curves=evaluation.curves,
    )
    assert "How soon it knows a newcomer" not in page(bare, decision(), None, SIZES.clear(), [], ORIGIN, LEDGER, KEPT)


def test_the_page_names_data_dates_bundle_and_release(evaluation):
    reader = Balance()
    reader.feed(page(evaluation, decision(), None, SIZES, [], ORIGIN, LEDGER, KEPT))
    for words in (
        "movielens",
        "100,000 from 943 users on 1,682 items",
        "20 September 1997 to 22 April 1998",
        "choices after 5 March 1998, 07:04 UTC",
        "ab" * 32,
        f"release r20260301-070500, bundle {'cd' * 32}",
    ):
        assert words in reader.words


def test_the_page_makes_up_neither_dates_nor_releases(evaluation):
    bare = replace(ORIGIN, first_event=None, last_event=None, test_cut=None, champion_hash=None, release=None)
    html = page(evaluation, decision(), None, SIZES, [], bare, LEDGER, KEPT)
    assert "release" not in html.partition("Compared with")[2].partition("</dl>")[0]
    assert "none; the data have an order only" in html and "1997" not in html
    assert "the last choice of each user" in html


def test_a_champion_without_hits_is_compared_in_figures_on_the_page(evaluation):
    infinite = Interval(*[float("inf")] * 3)
    alone = replace(result("superior"), champion=0.0, relative=infinite, difference=Interval(0.12, 0.1, 0.14))
    words = replace(decision(), results=[alone])
    html = page(evaluation, words, None, SIZES, [], ORIGIN, LEDGER, KEPT)
    assert "+0.1200 absolute · better" in html
    assert "Where the champion has 0, no percentage can be given" in html
    assert "∞" not in html and "no percentage can be given" not in page(
        evaluation, replace(words, results=[result("superior")]), None, SIZES, [], ORIGIN, LEDGER, KEPT
    )


def test_drawings_stand_where_the_figures_say():
    assert 'width="25.00%"' in bar((1.0, 0.5, 2.0), 4.0, "ours", "x")
    assert 'x1="12.50%" x2="50.00%"' in bar((1.0, 0.5, 2.0), 4.0, "ours", "x")
    drawn = interval_bar((0.5, -0.5, 9.0), 1.0, -0.05, "good", "x")
    assert 'cx="75.00%"' in drawn and 'x1="25.00%" x2="100.00%"' in drawn  # what is farther off stands at the edge
    assert 'x1="47.50%"' in drawn
    steps = line_chart({"ours": [(0.0, 0.0, 0.0), (1.0, 0.5, 1.0)]}, ["none", "one"], "x")
    assert 'cy="204.0"' in steps and 'cy="10.0"' in steps


def test_examples_show_titles_newest_first_and_mark_what_was_chosen_later():
    catalogue = make_catalogue(4)
    catalogue.titles[:] = ["Ale", "Bun", "Cup", None]
    history = pl.DataFrame(
        [("ann", "i0", 1), ("ann", "i1", 2), ("ann", "i0", 3), ("bob", "i2", 1)],
        schema=["user_id", "item_id", "day"],
        orient="row",
    )
    acts = history.with_columns(
        timestamp=(pl.col("day") * DAY).cast(pl.Datetime("us", "UTC")),
        known_at=(pl.col("day") * DAY).cast(pl.Datetime("us", "UTC")),
        event=pl.lit("buy"),
    )
    later = pl.DataFrame({"user_id": ["ann", "cid"], "item_id": ["i3", "i1"]})
    test_set = make_test_set(history, later, asked=["ann", "bob", "cid"])
    queries = queries_at(acts, Vocabulary(catalogue.vocabulary.item_ids), test_set.user_ids.tolist(), 9 * DAY)
    lists = np.stack([test_set.codes(["i2", "i3"])] * 3)
    # bob chose nothing later, cid has no history
    assert sample_users(test_set, queries, lists, catalogue, 4, seed=1) == [
        {
            "n_history": 2,
            "n_later": 1,
            "history": ["Ale", "Bun"],
            "shown": [{"title": "Cup", "chosen": False}, {"title": "item i3", "chosen": True}],
        }
    ]


def test_texts_say_who_wrote_them_and_at_what_price():
    assert "nothing was sent anywhere" in written_texts(LEDGER)
    told = written_texts(LEDGER | {"model": "qwen<3>"})
    assert "qwen&lt;3&gt;" in told and "1,234 tokens" in told and "0.12500 for 1,000 recommendations" in told
    assert "67% of the answers were valid" in told and "<td>keywords of items</td><td>9</td><td>2</td>" in told


def test_the_page_says_what_was_dropped_why_and_what_the_map_has_chosen():
    nothing = {"tokens": 0, "milliseconds": 0.25, "bytes": 2_000_000, "price": 0.1}
    figures = {"metric": "NDCG@10 among new items", "n_users": 1234, "low": -0.01, "high": 0.05} | nothing
    parts = [
        JudgedPart(part="map", kept=True, with_part=0.2, without=0.1, lift=0.5, why="stays: it is good", **figures),
        JudgedPart(part="encoder a<b", kept=False, with_part=0.2, without=0.2, lift=0.0, why="dropped: why", **figures),
    ]
    settings = MapSettings(weights={"words": 0.65, "sentence": 0.35}, power=1, kappa=2.0, smoothing=60.0)
    html = language_parts(Kept(parts=parts, map_settings=settings.model_dump()).model_dump())
    assert "1 of 2 were left out." in html
    assert "Encoder a&lt;b was dropped: why." in html and "a<b" not in html
    assert "kernels sentence 0.35, words 0.65, power 1 of the cosine, noise κ 2, smoothing λ 60" in html
    assert "50.0% (-1.0% to 5.0%)" in html and "2.0 MB, 0.25 ms, 0 tokens" in html and "1,234" in html


def test_a_run_that_judged_no_language_part_says_so():
    html = language_parts(Kept(skipped="ablate.n_users is 0, so every part stays").model_dump())
    assert "Not judged in this run: ablate.n_users is 0, so every part stays." in html and "<table" not in html
