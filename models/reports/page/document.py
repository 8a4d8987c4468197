"""The HTML report for decision makers: verdict, reasons, sample users, glossary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from models.evaluation.evaluate import HEADLINE, HISTORY_SIZES, SLICES, Evaluation, history_slice
from models.gate.checks import LESS_IS_BETTER
from models.gate.decision import Decision
from models.gate.wording import difference_in_words, number
from models.reports.page.comparison import against_champion, cold_start, learning_curve, parts, side_by_side
from models.reports.page.html import frame, section, table, text
from models.reports.page.judged_language import language_parts
from models.reports.page.labels import METRICS, VARIETY, metric_name
from models.reports.page.origin import Origin, what_was_judged
from models.reports.page.written_texts import written_texts

CHOSEN = '\N{NO-BREAK SPACE}<b class="good">✓</b>'


def page(
    evaluation: Evaluation,
    decision: Decision,
    rolling: pl.DataFrame | None,
    sizes: pl.DataFrame,
    examples: Sequence[Mapping[str, Any]],
    origin: Origin,
    ledger: Mapping[str, Any],
    kept: Mapping[str, Any],
) -> str:
    """The whole report as one html file.

    rolling: of `rolling_figures`, None without rolling judging;
    sizes: of `models.evaluation.learning_curve`; examples: of `models.reports.sample_users`;
    origin: which data and which bundle the page is about; ledger: as `report` of models/language/writing/enriched.py;
    kept: as models/ablation/kept.py has it.
    """
    k = cut(evaluation)
    metrics = [f"ndcg@{k}", f"hr@{k}"]
    return frame(
        f"Recommender: {headline(decision)}",
        [
            verdict(evaluation, decision, k),
            what_was_judged(origin, decision.champion),
            against_champion(decision.results, decision.champion),
            side_by_side(evaluation, rolling, metrics, decision.champion),
            cold_start(evaluation, metrics, decision.champion),
            what_users_see(examples),
            variety(evaluation, k, decision.champion),
            groups(evaluation, metrics[0], decision.champion),
            parts(evaluation, metrics[0], decision.champion),
            learning_curve(sizes, metrics[0]),
            language_parts(kept),
            written_texts(ledger),
            how_to_read(k),
        ],
    )


def cut(evaluation: Evaluation) -> int:
    """The length of list that the page speaks of: that of the list properties."""
    names = evaluation.summary.filter(slice=HEADLINE).get_column("metric").unique(maintain_order=True).to_list()
    cuts = [int(name.partition("@")[2]) for name in names if name.startswith("novelty@")]
    return cuts[0] if cuts else 10


def headline(decision: Decision) -> str:
    """The verdict in one sentence."""
    _, _, why = decision.reasons[0].partition(": ")
    return f"{'May go live' if decision.promote else 'Stays off'}: {why or decision.reasons[0]}"


def verdict(evaluation: Evaluation, decision: Decision, k: int) -> str:
    """The sentence, and three figures that need no explanation."""
    users = int(evaluation.per_query.filter(slice=HEADLINE, model="challenger").height)
    tiles = [
        (_tenths, f"hr@{k}", f"users find something that they choose later among the first {k}"),
        (number, f"ndcg@{k}", "for the order of the list, of 1 at best (NDCG)"),
        (_whole_percent, f"coverage@{k}", "of the items in use are shown to somebody"),
    ]
    sample = "" if evaluation.sampled_from is None else f"a sample of {evaluation.sampled_from:,} users; "
    drawn_tiles = []
    for words, metric, meaning in tiles:
        ours, theirs = (evaluation.value(model, metric) for model in ("challenger", "champion"))
        if np.isfinite(ours):
            before = f"{decision.champion}: {words(theirs)}"
            caption = f'{text(meaning)}<br><span class="dim">{text(before)}</span>'
            drawn_tiles.append(f'<div class="tile"><b>{text(words(ours))}</b>{caption}</div>')
    return (
        f'<header class="verdict {"yes" if decision.promote else "no"}">\n<h1>{text(headline(decision))}</h1>\n'
        f'<p class="dim">Judged on {users:,} users and what they chose after everything that the recommender knows; '
        f"{sample}compared with {text(decision.champion)}.</p>\n"
        f"{''.join(f'<p>{text(note)}</p>' for note in decision.notes)}</header>\n"
        f'<div class="tiles">{"".join(drawn_tiles)}</div>'
    )


def what_users_see(examples: Sequence[Mapping[str, Any]]) -> str:
    """Histories and lists in titles."""
    if not examples:
        return ""
    cards = []
    for number_of, one in enumerate(examples, start=1):
        past = "".join(f"<li>{text(title)}</li>" for title in one["history"])
        listed = "".join(f"<li>{text(item['title'])}{CHOSEN if item['chosen'] else ''}</li>" for item in one["shown"])
        cards.append(
            f'<div class="person"><h3>User {number_of} <small>{one["n_history"]:,} items before, {one["n_later"]:,} '
            f"later</small></h3><small>chose last</small><ul>{past}</ul><small>is shown</small><ol>{listed}</ol></div>"
        )
    return section(
        "What users see",
        "Users drawn by chance. ✓ marks what the user did choose later, which the recommender could not know.",
        f'<div class="people">{"".join(cards)}</div>',
    )


def variety(evaluation: Evaluation, k: int, champion: str) -> str:
    """How wide and how fitting the lists are."""
    rows = []
    for name in VARIETY:
        ours, theirs = (evaluation.value(model, f"{name}@{k}") for model in ("challenger", "champion"))
        if np.isfinite(ours):
            plain, meaning = METRICS[name]
            rows.append([plain, number(ours), number(theirs), "less" if name in LESS_IS_BETTER else "more", meaning])
    return section(
        "Variety of the lists",
        f"An accurate recommender can still show everybody the same few things. Of the first {k} items:",
        table(["", "judged now", champion, "better is", "what it says"], rows, "says"),
    )


def groups(evaluation: Evaluation, metric: str, champion: str) -> str:
    """The slices in one metric; cold start has its own section."""
    rows = []
    history_slices = {history_slice(n) for n in HISTORY_SIZES}
    for name, meaning in SLICES.items():
        if name in history_slices:
            continue
        judged = evaluation.summary.filter(slice=name, metric=metric, model="challenger")
        if judged.height:
            apart = evaluation.differences.filter(slice=name, metric=metric, model="champion")
            lead = "none"
            if apart.height:
                one = apart.row(0, named=True)
                relative = (one["relative"], one["relative_low"], one["relative_high"])
                lead = difference_in_words(relative, (one["difference"], one["low"], one["high"]))[0]
            figures = [number(evaluation.value(model, metric, name)) for model in ("challenger", "champion")]
            rows.append([meaning, f"{judged.get_column('n_queries')[0]:,}", *figures, lead])
    return section(
        "Who gains and who loses",
        f"{metric_name(metric)}, of each group of users and items.",
        table(["", "users", "judged now", champion, "difference"], rows),
    )


def how_to_read(k: int) -> str:
    """The glossary."""
    terms = "".join(f"<dt>{text(plain)}</dt><dd>{text(meaning)}</dd>" for plain, meaning in METRICS.values())
    return section(
        "How to read this",
        "The data end at a cut; what users chose after it is hidden from every model and then compared with its lists. "
        f"Lists are judged by their first {k} items, items that a user had before do not count. An interval holds the "
        "truth most of the time, by default 19 times in 20; where it reaches across the middle, the difference may be "
        "chance. Nothing here tells what users would have chosen had they been shown something else: only an "
        "experiment on live users does.",
        f"<dl>{terms}</dl>",
    )


def _tenths(share: float) -> str:
    return f"{share * 10:.1f} of 10"


def _whole_percent(share: float) -> str:
    return f"{share * 100:.0f} %"
