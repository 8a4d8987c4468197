"""HTML elements of the report: frame with style, sections, tables; all text is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def text(words: object) -> str:
    """Words as html."""
    return escape(str(words), quote=True)


def frame(title: str, sections: Sequence[str]) -> str:
    """The whole file."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in sections if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(heading: str, lead: str, *parts: str) -> str:
    """A heading, a sentence or two that say what is to be seen, and what is to be seen."""
    return f"<section>\n<h2>{text(heading)}</h2>\n<p>{text(lead)}</p>\n" + "\n".join(parts) + "\n</section>"


def row(label: str, drawing: str, value: str, kind: str = "") -> str:
    """A line of a drawing: its name, the drawing, its value; kind: a class of the value."""
    return f'<div class="row"><span>{text(label)}</span>{drawing}<span class="{kind}">{text(value)}</span></div>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table that scrolls by itself where the screen is narrow; kind: its class."""
    head = "".join(f'<th scope="col">{text(cell)}</th>' for cell in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in cells) + "</tr>" for cells in rows)
    return f'<div class="scroll"><table class="{kind}">\n<tr>{head}</tr>\n{body}\n</table></div>'


def key(names: Sequence[tuple[str, str]]) -> str:
    """What the colors stand for, from (class, name)."""
    spans = "".join(f'<span class="{kind}">● {text(name)}</span>' for kind, name in names)
    return f'<p class="key">{spans}</p>'
