"""Messages made from a catalogue's own columns, with what they mean and the items that hold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SEED = 7
ENGLISH = {
    "include": ("I'd like {0}", "{0} please", "show me something with {0}", "do you have any {0}?"),
    "exclude": ("without {0}", "but no {0}", "nothing with {0}"),
    "<": ("under {0:g} euros", "for less than {0:g} €", "cheaper than {0:g} dollars"),
    "<=": ("at most {0:g} euros", "up to {0:g} €"),
    ">=": ("at least {0:g} euros", "for {0:g} dollars or more"),
    "year": ("from {0:.0f}", "of {0:.0f}"),
    "like": ("similar to {0}", "something like {0}", "I loved {0}"),
}
GERMAN = {
    "include": ("Ich suche {0}", "{0} bitte", "zeig mir {0}"),
    "exclude": ("ohne {0}", "aber kein {0}"),
    "<": ("unter {0:g} Euro", "für weniger als {0:g} €"),
    "<=": ("höchstens {0:g} Euro", "bis zu {0:g} €"),
    ">=": ("mindestens {0:g} Euro", "ab {0:g} €"),
    "year": ("aus dem Jahr {0:.0f}", "von {0:.0f}"),
    "like": ("ähnlich wie {0}", "so wie {0}"),
}


@dataclass(frozen=True)
class MadeMessage:
    """slots: what it means; allowed: ids of the items that hold its constraints; titles: that it names."""

    text: str
    slots: set[str]
    allowed: set[str]
    titles: list[str]


def made_messages(runtime: Any, n: int) -> list[MadeMessage]:
    """n messages about the live release: each holds one to four of category, tag, refused tag, price, year, title."""
    catalogue = runtime.serving().recommender.catalogue
    rng = np.random.default_rng(SEED)
    return [_message(catalogue, rng) for _ in range(n)]


def _message(catalogue: Any, rng: np.random.Generator) -> MadeMessage:
    words = ENGLISH if rng.random() < 0.7 else GERMAN
    ids, parts, slots = catalogue.vocabulary.item_ids, list[str](), set[str]()
    tags = [set(of_item) for of_item in catalogue.tags]
    categories = catalogue.item_categories
    years = catalogue.created_at.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    holds = np.ones(len(ids), dtype=np.bool_)
    titles: list[str] = []
    centre = int(rng.integers(len(ids)))  # what is asked for is asked so that this item holds it

    def say(slot: str, value: object) -> None:
        parts.append(str(rng.choice(words[slot])).format(value))

    if categories[centre] is not None and rng.random() < 0.7:
        say("include", categories[centre])
        slots.add(f"include: {categories[centre]}")
        holds &= _having(categories[centre], tags, categories)
    elif tags[centre]:
        tag = str(rng.choice(sorted(tags[centre])))
        say("include", tag)
        slots.add(f"include: {tag}")
        holds &= _having(tag, tags, categories)
    if rng.random() < 0.4:
        other = sorted(set().union(*tags) - tags[centre] - {categories[centre]})
        tag = str(rng.choice(other))
        say("exclude", tag)
        slots.add(f"exclude: {tag}")
        holds &= ~_having(tag, tags, categories)
    price = float(catalogue.prices[centre])
    if not np.isnan(price) and rng.random() < 0.5:
        op = str(rng.choice(["<", "<=", ">="]))
        value = float(np.ceil(price) + 1 if op != ">=" else np.floor(price))
        say(op, value)
        slots.add(f"price {op} {value:g}")
        compare: dict[str, Callable[..., Any]] = {"<": np.less, "<=": np.less_equal, ">=": np.greater_equal}
        holds &= compare[op](np.nan_to_num(catalogue.prices, nan=np.inf if op != ">=" else -np.inf), value)
    elif rng.random() < 0.5:
        say("year", float(years[centre]))
        slots.add(f"year = {years[centre]}")
        holds &= years == years[centre]
    if rng.random() < 0.25:
        named = int(rng.integers(len(ids)))
        title = catalogue.titles[named]
        if title and catalogue.titles.count(title) == 1 and len(title.split()) > 1:
            say("like", title)
            slots.add(f"like: {ids[named]}")
            titles.append(title)
            holds[named] = False
    return MadeMessage(", ".join(parts), slots, {ids[place] for place in np.flatnonzero(holds)}, titles)


def _having(name: str, tags: list[set[str]], categories: list[str | None]) -> Any:
    return np.array([name in of_item or name == category for of_item, category in zip(tags, categories, strict=True)])
