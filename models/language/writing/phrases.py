"""Phrases: the words and pairs of words of item texts that several items share, weighted, and spread over an item.

The weight of a phrase is class-based tf-idf with each item as a class: log(1 + its count in the item) times
log(1 + mean number of phrases of an item / its count in all). Runs of a script without spaces are cut into pairs.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from features.arrays import Float64

MOST_SHARED = 0.2  # of the items; what more of them say tells none apart
LEAST_ITEMS = 2  # a phrase of one item links it to nothing
TAG_WEIGHT = 2.0  # a tag was chosen to describe the item
CANDIDATES = 30
DIRECTIONS = 64
RELEVANCE = 0.7  # against variety (MMR)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_STOPS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())


def words_of(text: str) -> list[str]:
    """Words in lower case; of a run in a script without spaces its pairs of characters."""
    words: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if unicodedata.category(word[0]) == "Lo" and len(word) > 2:
            words += [word[start : start + 2] for start in range(len(word) - 1)]
        else:
            words.append(word)
    return words


def phrases_of(text: str) -> list[str]:
    """Single words and pairs of neighbors, none that begins or ends with a stop word."""
    found: list[str] = []
    for sentence in re.split(r"[.!?,;:()\n]+", text):
        words = words_of(sentence)
        kept = [word not in _STOPS and len(word) > 1 for word in words]
        found += [word for word, is_kept in zip(words, kept, strict=True) if is_kept]
        pairs = zip(words, words[1:], kept, kept[1:], strict=False)
        found += [f"{first} {second}" for first, second, one, other in pairs if one and other and first.isascii()]
    return found


def keywords_of(texts: Sequence[str], tags: Sequence[Sequence[str]], n: int) -> list[list[str]]:
    """At most n keywords of each item, the most telling first, none that says what an earlier one does.

    texts: title and description; tags: as they are. Both in the order of the items.
    """
    own_tags = [
        list(dict.fromkeys(" ".join(tag.casefold().split()) for tag in of_item if tag.strip())) for of_item in tags
    ]
    counts = [Counter(phrases_of(text)) for text in texts]
    items_of: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for of_item, of_tags in zip(counts, own_tags, strict=True):
        of_item.update(of_tags)
        items_of.update(of_item.keys())
        total.update(of_item)
    most = max(LEAST_ITEMS, int(MOST_SHARED * len(texts)))
    is_tag = {tag for of_item in own_tags for tag in of_item}
    shared = {phrase for phrase, k in items_of.items() if k >= LEAST_ITEMS and (k <= most or phrase in is_tag)}
    mean = sum(total.values()) / max(1, len(texts))
    chosen = [
        _weighted(of_item, set(of_tags), shared, total, mean) for of_item, of_tags in zip(counts, own_tags, strict=True)
    ]
    vectors = _vectors(chosen)
    return [_spread(of_item, vectors, n) for of_item in chosen]


def _weighted(
    counts: Counter[str], tags: set[str], shared: set[str], total: Counter[str], mean: float
) -> list[tuple[str, float]]:
    """The heaviest candidates of one item; where it shares nothing, its own words."""
    names = [name for name in counts if name in shared] or [name for name in counts if " " not in name]
    weights = [
        (name, (TAG_WEIGHT if name in tags else 1.0) * np.log1p(counts[name]) * np.log1p(mean / total[name]))
        for name in names
    ]
    return sorted(weights, key=lambda pair: (-pair[1], pair[0]))[:CANDIDATES]


def _vectors(chosen: Sequence[Sequence[tuple[str, float]]]) -> dict[str, Float64]:
    """A unit vector for each phrase from the items that hold it (random signs for items: cosines of their sets)."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (len(chosen), DIRECTIONS))
    sums: dict[str, Float64] = {}
    for item, of_item in enumerate(chosen):
        for name, _ in of_item:
            sums[name] = sums[name] + signs[item] if name in sums else signs[item].copy()
    return {name: vector / (np.linalg.norm(vector) or 1.0) for name, vector in sums.items()}


def _spread(weighted: Sequence[tuple[str, float]], vectors: dict[str, Float64], n: int) -> list[str]:
    """Maximal marginal relevance; a phrase that holds a chosen one, or is held by it, is left out."""
    if not weighted:
        return []
    names = [name for name, _ in weighted]
    weights = np.array([weight for _, weight in weighted])
    weights = weights / (weights.max() or 1.0)
    units = np.stack([vectors[name] for name in names])
    nearest = np.zeros(len(names))
    free = np.ones(len(names), dtype=bool)
    kept: list[str] = []
    while len(kept) < n and free.any():
        gains = np.where(free, RELEVANCE * weights - (1 - RELEVANCE) * nearest, -np.inf)
        best = int(np.argmax(gains))
        kept.append(names[best])
        mine = set(names[best].split())
        free &= np.array([not (set(name.split()) <= mine or mine <= set(name.split())) for name in names])
        nearest = np.maximum(nearest, units @ units[best])
    return kept
