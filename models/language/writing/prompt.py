"""Prompts: what a model is told before the data, each a file with its version and the name of its answer's schema.

Texts of items and users never enter it: they follow in a message of their own, as one block of JSON between `<data>`
and `</data>` that no text can close, since `<` is written as an escape in it.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMPTS = Path(__file__).parents[1] / "prompts"
MOST_CHARACTERS = 1500  # of one text; longer ones are cut
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}  # categories of Unicode: controls, zero-width and bidi marks, surrogates


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt file. sha256: of the whole file."""

    name: str
    version: int
    schema: str
    system: str
    sha256: str


def read_prompt(name: str, folder: Path = PROMPTS) -> Prompt:
    """The prompt of a part: lines `version:` and `schema:` between two lines `---`, then the text.

    Raises:
        ValueError: the file has no such head.
    """
    raw = (folder / f"{name}.md").read_text(encoding="utf-8")
    start, head, body = raw.split("---\n", 2) if raw.count("---\n") >= 2 else ("?", "", "")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if start or set(fields) != {"version", "schema"}:
        raise ValueError(f"prompt {name}: expected `version:` and `schema:` between two lines `---` at its beginning")
    digest = hashlib.sha256(raw.encode()).hexdigest()
    version, schema = int(fields["version"]), fields["schema"].strip()
    return Prompt(name=name, version=version, schema=schema, system=body.strip(), sha256=digest)


def data_block(facts: Mapping[str, Any]) -> str:
    """Facts as the message that follows the prompt; the same facts give the same text."""
    cleaned = json.dumps(clean(facts), ensure_ascii=False, sort_keys=True)
    return "<data>\n" + cleaned.replace("<", "\\u003c") + "\n</data>"


def clean(value: Any) -> Any:
    """Texts without what nobody sees, in NFKC, cut to MOST_CHARACTERS; at any depth of lists and mappings."""
    if isinstance(value, str):
        cut = unicodedata.normalize("NFKC", value[: 4 * MOST_CHARACTERS])
        seen = "".join(
            " " if c.isspace() else c for c in cut if c.isspace() or unicodedata.category(c) not in INVISIBLE
        )
        return " ".join(seen.split())[:MOST_CHARACTERS]
    if isinstance(value, Mapping):
        return {str(key): clean(one) for key, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [clean(one) for one in value]
    return value
