"""Texts of the items: titles, descriptions and tags written from what each item truly is."""

from __future__ import annotations

import polars as pl

from features.simulation.items import Items
from features.simulation.parameters import Params, stream
from features.simulation.words import GENRES, PLACES, STYLES, SURNAMES, THEMES

TITLES = (
    "The {adjective} {noun}",
    "{noun} of {place}",
    "The {noun} and the {other}",
    "No {noun} for {surname}",
    "{surname}'s {noun}",
    "{adjective} {noun}, {adjective2} {other}",
    "The {surname} {noun}",
)
OPENINGS = (
    "In {place}, {lead} is drawn into {first}.",
    "A {kind} about {first}.",
    "{Lead} at the centre of a {kind}: {first}, and {place} as the backdrop.",
    "From {place} comes this {kind}, which tells of {first}.",
    "{Lead}, {place}, and {first}: this {kind} has it all.",
)
MIDDLES = (
    "It is also a book about {second}.",
    "At its heart: {second}.",
    "Its special colour comes from {second}.",
    "Along the way we meet {second}.",
    "Readers who care for {second} will feel at home.",
)
CLOSINGS = (
    "{author} at their best.",
    "By the author of '{other} at Dawn'.",
    "Newly translated.",
    "With an afterword by {author}.",
    "",
    "",
)


def write_texts(params: Params, items: Items) -> pl.DataFrame:
    """Columns title, description, tags, one row an item in their order."""
    rng = stream(params, "texts")
    n_items = len(items.ids)
    choice = rng.integers(0, 2**31, size=(n_items, 16))
    tag_dropped = rng.random(n_items) < 0.15
    titles: list[str] = []
    descriptions: list[str] = []
    tags: list[list[str]] = []
    for position in range(n_items):
        draw = choice[position].tolist()
        genre = GENRES[items.genres[position]]
        style = STYLES[items.styles[position]]
        themes = [THEMES[theme] for theme in items.themes[position] if theme >= 0]
        first, second = themes[0], themes[-1]
        lead, phrase = _one(genre.leads, draw[0]), _one(second.phrases, draw[1])
        words = {
            "adjective": _one(style.adjectives, draw[2]),
            "adjective2": _one(style.adjectives, draw[2] + 1),
            "noun": _one(first.nouns, draw[3]),
            "other": _one(second.nouns, draw[4]),
            "place": _one(PLACES, draw[5]),
            "surname": _one(SURNAMES, draw[6]),
            "author": _one(SURNAMES, draw[7]),
            "kind": _one(genre.kinds, draw[8]),
            "lead": lead,
            "Lead": lead[0].upper() + lead[1:],
            "first": _one(first.phrases, draw[9]),
            "second": phrase,
            "Second": phrase[0].upper() + phrase[1:],
        }
        titles.append(_one(TITLES, draw[10]).format_map(words))
        sentences = [
            _one(OPENINGS, draw[11]).format_map(words),
            _one(style.sentences, draw[12]),
            _one(CLOSINGS, draw[13]).format_map(words),
        ]
        if len(themes) > 1:
            sentences.insert(1, _one(MIDDLES, draw[14]).format_map(words))
        descriptions.append(" ".join(sentence for sentence in sentences if sentence))
        named = [theme.tag for theme in themes] + ([] if tag_dropped[position] else [style.tag])
        start = draw[15] % len(named)
        tags.append(named[start:] + named[:start])
    return pl.DataFrame(
        {"title": titles, "description": descriptions, "tags": tags},
        schema={"title": pl.String, "description": pl.String, "tags": pl.List(pl.String)},
    )


def _one(words: tuple[str, ...], draw: int) -> str:
    return words[draw % len(words)]
