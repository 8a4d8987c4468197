"""Titles by the words that a person has typed so far."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

WORD = re.compile(r"\w+")
LEAST_MISSPELT = 4  # characters: of shorter words nearly every other one is a misspelling
LONGEST_MISSPELT = 30  # characters: what is tried grows with the length
MOST_WORDS = 16  # words of a text that are looked up
MOST_LETTERS = 64  # the commonest characters, of which misspellings are mended


class TitleIndex:
    """Words of all titles in ascending order, and the items of each.

    A text finds the titles in which each of its words begins one. A word that begins none is mended by one letter that
    is missing, too many, another one, or swapped with its neighbour.
    """

    def __init__(self, titles: Sequence[str | None]) -> None:
        items: defaultdict[str, list[int]] = defaultdict(list)
        for position, title in enumerate(titles):
            for word in set(_words(title or "")):
                items[word].append(position)
        self._words = sorted(items)
        self._items = [items[word] for word in self._words]
        counts = Counter(letter for word in self._words for letter in set(word))
        self._letters = "".join(letter for letter, _ in counts.most_common(MOST_LETTERS))

    def find(self, text: str) -> tuple[set[int], bool]:
        """Positions of the items whose titles fit, and whether a word was mended."""
        found: set[int] | None = None
        mended = False
        for word in _words(text)[:MOST_WORDS]:
            items = self._beginning_with(word)
            if not items and LEAST_MISSPELT <= len(word) <= LONGEST_MISSPELT:
                items = set().union(*(self._beginning_with(other) for other in self._misspelt(word)))
                mended = mended or bool(items)
            found = items if found is None else found & items
            if not found:
                return set(), False
        return found or set(), mended

    def _beginning_with(self, prefix: str) -> set[int]:
        start = bisect_left(self._words, prefix)
        items: set[int] = set()
        for place in range(start, len(self._words)):
            if not self._words[place].startswith(prefix):
                break
            items.update(self._items[place])
        return items

    def _misspelt(self, word: str) -> Iterator[str]:
        """What was meant, if one letter is wrong; the first letter is taken to be right."""
        for place in range(1, len(word) + 1):
            head, tail = word[:place], word[place:]
            if tail:
                yield head + tail[1:]
                yield from (head + letter + tail[1:] for letter in self._letters)
            if len(tail) > 1:
                yield head + tail[1] + tail[0] + tail[2:]
            yield from (head + letter + tail for letter in self._letters)


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())
