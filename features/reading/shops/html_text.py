"""HTML as plain text: what a reader of the page would see; scripts, styles and tags go."""

from __future__ import annotations

from html.parser import HTMLParser

import polars as pl

BLOCKS = frozenset(
    ("p", "div", "br", "li", "ul", "ol", "tr", "td", "th", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section")
)
UNSEEN = frozenset(("script", "style", "head", "template", "noscript"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self._unseen += 1
        elif tag in BLOCKS:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in BLOCKS:
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def html_to_text(html: str) -> str:
    """The text of a piece of HTML, blanks made one; text without markup stays as it is."""
    if "<" not in html and "&" not in html:
        return " ".join(html.split())
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.pieces).split())


def html_column(column: str) -> pl.Expr:
    """`html_to_text` of a text column; null where nothing is left."""
    text = pl.col(column).map_elements(html_to_text, return_dtype=pl.String)
    return pl.when(text != "").then(text).alias(column)
