"""Replies: what is said beside a list, by sentences of a data file, in the language of the message."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from models.language.conversation.constraints import Constraint
from models.language.intent.intent import Intent, NumberLimit

FILE = Path(__file__).with_name("replies.toml")


def reply_of(
    said: Intent, intent: Intent, titles: Sequence[str], gone: Sequence[Constraint], liked: Sequence[str]
) -> str:
    """said: by the message; intent: of the conversation; titles: of the shown items, best first; gone: constraints that
    gave way; liked: titles of `intent.like`."""
    words = _sentences()[said.language if said.language in _sentences() else "en"]
    sentences = [words["restarted"]] if said.restart else []
    if said.unclear:
        sentences.append(words["unclear"].format(titles=words["or"].join(f"“{title}”" for title in said.unclear[:4])))
    if gone:
        sentences.append(words["relaxed"].format(gone=words["and"].join(_told(one, words) for one in gone)))
    if not titles:
        sentences.append(words["none"])
    elif len(titles) == 1:
        sentences.append(words["one"].format(first=titles[0]))
    else:
        what = _what(intent, gone, liked, words)
        kind = "list" if what else "plain"
        sentences.append(words[kind].format(n=len(titles), what=words["and"].join(what), first=titles[0]))
    return ("" if said.language == "zh" else " ").join(sentences)


def limit_told(limit: NumberLimit) -> str:
    """A limit in signs that every language reads."""
    sign = {"<=": "≤", ">=": "≥"}.get(limit.op, limit.op)
    return f"{limit.column} {sign} {limit.value:g}"


def _what(intent: Intent, gone: Sequence[Constraint], liked: Sequence[str], words: dict[str, str]) -> list[str]:
    lost = {one.what if isinstance(one.what, NumberLimit) else (one.kind, one.what) for one in gone}
    told = []
    groups = [tuple(intent.include)] if intent.either and intent.include else [(term,) for term in intent.include]
    told += [words["or"].join(group) for group in groups if ("include", group) not in lost]
    excluded = [term for term in intent.exclude if ("exclude", (term,)) not in lost]
    if excluded:
        told.append(words["exclude"].format(terms=words["or"].join(excluded)))
    told += [limit_told(limit) for limit in intent.numbers if limit not in lost]
    if liked:
        told.append(words["like"].format(titles=words["and"].join(liked[-3:])))
    if intent.text:
        told.append(words["text"].format(text=intent.text[:80]))
    return told


def _told(constraint: Constraint, words: dict[str, str]) -> str:
    if isinstance(constraint.what, NumberLimit):
        return limit_told(constraint.what)
    return words[constraint.kind].format(terms=words["or"].join(constraint.what))


@lru_cache(maxsize=1)
def _sentences() -> dict[str, dict[str, str]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
