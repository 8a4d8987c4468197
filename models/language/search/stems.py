"""Stems: forms of one word that count as the same, for words of English and German."""

from __future__ import annotations

SHORTEST = 3  # characters of a stem
_GERMAN = ("innen", "ern", "em", "en", "er", "es", "e", "n", "s")


def english_stem(word: str) -> str:
    """Without the ending of a plural: `berries` and `berry`, `glasses` and `glass`, `tents` and `tent` are alike."""
    if len(word) > SHORTEST + 1 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > SHORTEST + 2 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if len(word) > SHORTEST and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def german_stem(word: str) -> str:
    """Without the ending of a case, a number or a comparative: `lustiger`, `lustige` and `lustig` are alike."""
    for ending in _GERMAN:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            return word[: -len(ending)]
    return word
