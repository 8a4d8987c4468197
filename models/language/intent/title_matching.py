"""Titles in a message: as they stand, without their article, in part, or misspelled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from models.language.intent.tokens import Token, key_of

ARTICLES = frozenset(["the", "a", "an", "der", "die", "das", "ein", "eine"])
LEAST_SHARE, LEAST_RATIO, MARGIN = 0.45, 0.78, 0.06
COMPARED = 12  # titles that are compared letter by letter
LONGEST = 12  # tokens of a title that are looked for


class Titles:
    """The titles of a catalogue, by their words and by their sequences of three letters."""

    def __init__(self, titles: Sequence[str | None]) -> None:
        self.titles = [title or "" for title in titles]
        self._exact: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._with: defaultdict[str, set[int]] = defaultdict(set)
        self._by_letters: defaultdict[str, list[int]] = defaultdict(list)
        self._joined: list[str] = []
        for place, title in enumerate(self.titles):
            key = key_of(title)
            words = tuple(word for word in key if word[0].isalnum())
            for form in {key, words, words[1:] if words[:1] and words[0] in ARTICLES else words}:
                if form:
                    self._exact[form].append(place)
            for word in set(words):
                self._with[word].add(place)
            self._joined.append(" ".join(words))
            for letters in _letters(self._joined[-1]):
                self._by_letters[letters].append(place)
        self.longest = min(max(map(len, self._exact), default=1), LONGEST)

    def exact(self, tokens: Sequence[Token]) -> list[int]:
        """Positions of the items with exactly this title."""
        return self._exact.get(tuple(token.word for token in tokens), [])

    def similar(self, tokens: Sequence[Token]) -> list[int]:
        """Positions of the titles that some words may mean, the best first; of several it is not clear which."""
        words = [token.word for token in tokens if token.word[0].isalnum()]
        if not words or all(word in ARTICLES for word in words):
            return []
        if len(words) > 1 and (whole := set.intersection(*(self._with.get(word, set()) for word in words))):
            return sorted(whole, key=lambda place: (len(self.titles[place]), place))[:COMPARED]
        text = " ".join(words)
        letters = _letters(text)
        shared = Counter(place for one in letters for place in self._by_letters.get(one, ()))
        scored = []
        for place, n_shared in shared.most_common(COMPARED):
            share = 2 * n_shared / (len(letters) + len(_letters(self._joined[place])))
            ratio = SequenceMatcher(None, text, self._joined[place]).ratio() if share >= LEAST_SHARE else 0.0
            if ratio >= LEAST_RATIO:
                scored.append((ratio, place))
        best = max(scored, default=(0.0, -1))[0]
        return [place for ratio, place in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if ratio > best - MARGIN]


def _letters(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}
