"""Kinds of events of an import: how many of each, which count as positive, and what that leaves out, in sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from features.positives import Positives

SHOWN = 12  # kinds that a sentence names
REPEATED_SHARE = 0.5  # of the positive events, from which on a note says so
HIDDEN_SHARE = 0.2  # of the first positives of a kind, likewise
ENOUGH = 10  # items of users, below which no share is told
PAIR = ["user_id", "item_id"]
SHOWINGS = {"impression", "impressions", "impressed", "shown", "show", "displayed", "exposure", "exposures", "exposed"}
REJECTIONS = {
    *("dislike", "disliked", "dislikes", "unlike", "unliked", "downvote", "downvoted", "thumbsdown", "thumbdown"),
    *("skip", "skipped", "skips", "refund", "refunded", "refunds", "return", "returned", "returns", "chargeback"),
    *("remove", "removed", "removes", "removal", "delete", "deleted", "unsubscribe", "unsubscribed", "unfollow"),
    *("unfollowed", "unfavorite", "unfavourite", "uninstall", "uninstalled", "cancel", "canceled", "cancelled"),
    *(
        "cancellation",
        "reject",
        "rejected",
        "block",
        "blocked",
        "hide",
        "hidden",
        "mute",
        "muted",
        "report",
        "reported",
    ),
    *(
        "dismiss",
        "dismissed",
        "ignore",
        "ignored",
        "complaint",
        "complain",
        "abandon",
        "abandoned",
        "bounce",
        "bounced",
    ),
    *("negative", "bad", "hate", "hated"),
}
PHRASES = (("thumbs", "down"), ("thumb", "down"), ("down", "vote"), ("not", "interested"), ("not", "recommend"))


def notes_on_events(interactions: pl.DataFrame, positives: Positives) -> list[str]:
    """Sentences about the events of INTERACTIONS for the person who imports them."""
    counts = interactions.group_by("event").len("n").sort(["n", "event"], descending=[True, False], nulls_last=True)
    kinds: list[tuple[str | None, int]] = counts.rows()
    notes = [_which_count(kinds, positives)] if any(kind is not None for kind, _ in kinds) else []
    notes += _questions(kinds, positives)
    chosen = interactions.filter(positives.where())
    notes += _repeats(chosen)
    notes += _met_before(interactions.filter(pl.col("event").ne_missing("impression")), positives)
    return notes


def says_no(kind: str) -> bool:
    """Whether a kind's name says that the item was refused, given back or only shown, in any case and spelling."""
    words = _words(kind)
    pairs = set(zip(words, words[1:], strict=False))
    return bool({*words, "".join(words)} & (REJECTIONS | SHOWINGS) or pairs & set(PHRASES))


def _words(kind: str) -> list[str]:
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", kind)
    return re.findall(r"[^\W_]+", apart.lower())


def _which_count(kinds: Sequence[tuple[str | None, int]], positives: Positives) -> str:
    yes = [(kind, n) for kind, n in kinds if kind in positives]
    no = [(kind, n) for kind, n in kinds if kind not in positives]
    return f"events that count as positive: {_listed(yes)}; that do not: {_listed(no)}"


def _listed(kinds: Sequence[tuple[str | None, int]]) -> str:
    words = [f"{n:,} {'without a kind' if kind is None else repr(kind)}" for kind, n in kinds[:SHOWN]]
    return ", ".join(words) + (f" and {len(kinds) - SHOWN} kinds more" if len(kinds) > SHOWN else "") or "none"


def _questions(kinds: Sequence[tuple[str | None, int]], positives: Positives) -> list[str]:
    doubtful = [(kind, n) for kind, n in kinds if kind is not None and kind in positives and says_no(kind)]
    if not doubtful:
        return []
    rest = [kind for kind, _ in kinds if kind is not None and kind in positives and not says_no(kind)]
    line = f"targets: [{', '.join(map(_as_yaml, rest))}]"
    remedy = (
        f"if they do not speak for an item, write `{line}` in section `evaluate` of params.yaml"
        if rest
        else "no other kind is positive: add the events that speak for an item"
    )
    shown = [kind for kind, _ in doubtful if {*_words(str(kind))} & SHOWINGS]
    renamed = f" (what was only shown is called `impression` here: rename {shown[0]!r})" if shown else ""
    return [f"question: {_listed(doubtful)} count as positive, but their names say the opposite; {remedy}{renamed}"]


def _as_yaml(kind: str) -> str:
    """A kind in a list of YAML: quoted unless it is a plain word that YAML takes for text."""
    plain = re.fullmatch(r"[A-Za-z_][\w-]*", kind) and kind.lower() not in {"null", "true", "false", "yes", "no", "on"}
    return kind if plain and kind.lower() not in {"off", "y", "n"} else "'" + kind.replace("'", "''") + "'"


def _repeats(chosen: pl.DataFrame) -> list[str]:
    """That most choices repeat earlier ones, which neither judging nor the lists know."""
    n_repeated = chosen.height - chosen.select(PAIR).n_unique()
    if n_repeated < ENOUGH or n_repeated < REPEATED_SHARE * chosen.height:
        return []
    return [
        f"{n_repeated:,} of {chosen.height:,} positive events ({n_repeated / chosen.height:.0%}) repeat an earlier one "
        "of the same user and item: judging leaves such choices out, and lists offer only what a user has not had "
        "(`include_seen: true` in a request offers it again)"
    ]


def _met_before(rows: pl.DataFrame, positives: Positives) -> list[str]:
    """Positive kinds whose items the user had mostly met before by another kind, such as views before purchases."""
    notes = []
    firsts = rows.group_by([*PAIR, "event"]).agg(pl.col("timestamp").min())
    kinds = firsts.get_column("event").drop_nulls().unique().sort().to_list()
    for kind in kinds:
        if kind not in positives or len(kinds) < 2:
            continue
        mine = firsts.filter(pl.col("event") == kind)
        others = firsts.filter(pl.col("event") != kind).rename({"event": "other", "timestamp": "met"})
        before = mine.join(others, on=PAIR).filter(pl.col("met") < pl.col("timestamp"))
        hidden = before.select(PAIR).n_unique()
        if hidden < ENOUGH or hidden < HIDDEN_SHARE * mine.height:
            continue
        ways = before.group_by("other").len("n").sort(["n", "other"], descending=[True, False])
        most = ways.item(0, "other")
        left = (
            "that was the choice, so this event is left out of judging"
            if most in positives
            else "what a user has met is not offered, so judging leaves them out"
        )
        notes.append(
            f"{kind!r}: {hidden:,} of {mine.height:,} ({hidden / mine.height:.0%}) are of items that the user had met "
            f"before, mostly by {'an event without a kind' if most is None else repr(most)}: {left}"
        )
    return notes
