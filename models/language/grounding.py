"""Grounding: whether a text says only what was given with it; names, titles, numbers and quotes are looked up there.

What no capital letter marks as a name is looked up after words such as "directed by". In a script without capitals
every run of letters has to stand in the facts, so that prose in it is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NO_NAMES = frozenset(["a", "an", "the", "and", "its", "their", "his", "her", "people", "those"])
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_QUOTES = re.compile(
    r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|„([^“”]+)[“”]|《([^》]+)》|「([^」]+)」|(?<!\w)['‘]([^'’]{3,})['’](?!\w)"
)
_CREDIT = re.compile(
    r"\b(?:directed|written|played|made|produced|published|designed|composed|performed|painted|created|illustrated|"
    r"narrated|sung) by|\bstarring|\bfeaturing|\bmakers of|\bsequel to|\bremake of|\bauthor of",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"(?:^|[.!?:;•\n]|[.!?][\"”’)])\s*[\"“‘(]*$")
_CARDINALS = {
    word: number
    for number, words in {
        2: "two three four five six seven eight nine ten",
        11: "eleven twelve thirteen fourteen",
    }.items()
    for number, word in enumerate(words.split(), number)
} | {"fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30}
_CARDINALS |= {"forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100}
_CARDINALS |= {"thousand": 1000, "dozen": 12}
_ORDINARY = frozenset(Path(__file__).with_name("ordinary_words.txt").read_text(encoding="utf-8").split())
_ENDINGS = [  # of an inflected word, and that of its root
    *(("ies", "y"), ("ied", "y"), ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e")),
    *(("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("ly", "")),
]


def ordinary_words() -> frozenset[str]:
    """English words that name nothing in particular, in lower case."""
    return _ORDINARY


@dataclass(frozen=True)
class _Facts:
    text: str
    words: frozenset[str]
    numbers: frozenset[str]


def ungrounded(text: str, facts: Mapping[str, Any]) -> list[str]:
    """What a text says that does not stand in the facts, each once in its order; empty: it is grounded."""
    known = _facts(facts)
    plain = unicodedata.normalize("NFKC", text)
    found = [*_quotes(plain, known), *_numbers(plain, known), *_names(plain, known), *_credits(plain, known)]
    return list(dict.fromkeys(found))


def _facts(facts: Mapping[str, Any]) -> _Facts:
    texts = [unicodedata.normalize("NFKC", leaf) for leaf in _leaves(facts)]
    joined = " | ".join(texts)
    folded = " ".join(_folded(word) for word in _WORD.findall(joined)).split()
    numbers = {_number(one) for one in _NUMBER.findall(joined)}
    numbers |= {f"{year[:3]}0s" for year in numbers if re.fullmatch(r"1\d\d\d|20\d\d", year)}
    numbers |= {str(_CARDINALS[word]) for word in folded if word in _CARDINALS}
    text = " | ".join(" ".join(_folded(word) for word in re.findall(r"\w+(?:['’]\w+)*", one)) for one in texts)
    return _Facts(text, frozenset(folded), frozenset(numbers))


def _leaves(value: Any) -> Iterator[str]:
    """Every text and number in the facts, at any depth; no names of fields."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _leaves(one)
    elif value is not None and not isinstance(value, bool):
        yield f"{value:g}" if isinstance(value, float) else str(value)


def _folded(word: str) -> str:
    """Lower case, without a genitive."""
    return re.sub(r"['’]s?$", "", word.casefold())


def _is_known(word: str, known: _Facts) -> bool:
    folded = _folded(word)
    return folded in known.words or f"{folded}s" in known.words or folded.removesuffix("s") in known.words


def _is_ordinary(word: str) -> bool:
    """Whether a word with a capital may have it only because a sentence begins with it."""
    folded = word.casefold()
    if folded in _ORDINARY or folded in _CARDINALS:
        return True
    roots = [folded.removesuffix(end) + root for end, root in _ENDINGS if folded.endswith(end)]
    return any(len(root) > 2 and root in _ORDINARY for root in roots)


def _number(digits: str) -> str:
    """One form for 1,299 and 1299, for 12.50 and 12.5."""
    plain = re.sub(r",(?=\d{3}\b)", "", digits).replace(",", ".")
    return plain.rstrip("0").rstrip(".") if plain.count(".") == 1 else plain


def _quotes(text: str, known: _Facts) -> Iterator[str]:
    for match in _QUOTES.finditer(text):
        quoted = next(group for group in match.groups() if group)
        words = " ".join(_folded(word) for word in re.findall(r"\w+(?:['’]\w+)*", quoted))
        if words and words not in known.text:
            yield quoted


def _numbers(text: str, known: _Facts) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        number = _number(match[0])
        decade = f"{number}s" if text[match.end() : match.end() + 1] == "s" and len(number) == 4 else number
        if decade not in known.numbers and number not in known.numbers:
            yield match[0]
    for word in _WORD.findall(text):
        value = _CARDINALS.get(word.casefold())
        if value is not None and str(value) not in known.numbers and word.casefold() not in known.words:
            yield word


def _names(text: str, known: _Facts) -> Iterator[str]:
    lower = {word for word in _WORD.findall(text) if word[0].islower()}
    run: list[str] = []
    end = -1
    for match in _WORD.finditer(text):
        word, begins = match[0], bool(_BEGINS.search(text[: match.start()]))
        if unicodedata.category(word[0]) == "Lo":
            if _folded(word) not in known.text:
                yield word
            continue
        if not word[0].isupper() or word == "I":
            continue
        ordinary = word.casefold() in lower or _is_ordinary(word)
        if not (_is_known(word, known) or begins and ordinary):
            yield word
        elif not (begins and ordinary):
            joins = (
                text[end : match.start()] == " " and not begins and not (run and run[-1].casefold() != _folded(run[-1]))
            )
            run = [*run, word] if joins else [word]
            end = match.end()
            if len(run) > 1 and f"{_folded(run[-2])} {_folded(word)}" not in known.text:
                yield f"{run[-2]} {word}"


def _credits(text: str, known: _Facts) -> Iterator[str]:
    """Whoever is named after words such as "directed by", also in lower case."""
    for match in _CREDIT.finditer(text):
        named = _WORD.search(text, match.end())
        if named and named[0].casefold() not in _NO_NAMES and not _is_known(named[0], known):
            yield named[0]
