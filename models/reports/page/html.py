"""What the report's html is made of: the frame with its style, sections, tables; all text is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

STYLE = """
:root { --ink: #1c2430; --dim: #5d6878; --line: #d9dee6; --paper: #fff; --soft: #f4f6f9; --ours: #1f6feb;
  --theirs: #8a6d3b; --plain: #8b95a5; --good: #1a7f4b; --bad: #b42318; --open: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #a2acbb; --line: #343c49; --paper: #14181f;
  --soft: #1d232c; --ours: #6ea8ff; --theirs: #d3ab64; --plain: #77818f; --good: #4cc38a; --bad: #ff8a7a;
  --open: #e3b341; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
.dim, small, dd { color: var(--dim); }
.verdict { border-left: .5rem solid var(--edge); background: var(--soft); padding: 1rem 1.25rem;
  border-radius: .25rem; }
.yes { --edge: var(--good); } .no { --edge: var(--bad); }
.tiles, .panels, .people { display: grid; gap: 1rem; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); margin-top: 1rem; }
.tile, .person { background: var(--soft); border-radius: .4rem; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; }
.people { grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.panels { grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem 2.5rem; }
.row { display: grid; grid-template-columns: 16rem 1fr 11rem; gap: .75rem; align-items: center; padding: .15rem 0;
  border-top: 1px solid var(--line); }
.panels .row { grid-template-columns: 7rem 1fr 4rem; }
.row > :last-child { text-align: right; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; overflow: visible; }
svg text { fill: var(--dim); font-size: 12px; }
.ours { color: var(--ours); } .theirs { color: var(--theirs); } .plain { color: var(--plain); }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-top: 1px solid var(--line); vertical-align: top; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th { color: var(--dim); font-weight: 600; border-top: 0; }
.says { min-width: 44rem; }
.says td:last-child, .says th:last-child { text-align: left; }
ol, ul { margin: .25rem 0; padding-left: 1.4rem; }
.key span { margin-right: 1.25rem; white-space: nowrap; }
dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0; }
@media (max-width: 40rem) {
  .row, .panels .row { grid-template-columns: 1fr auto; }
  .row > svg { grid-column: 1 / -1; grid-row: 2; }
}
@media print { main { max-width: none; } .tile, .person, .verdict { break-inside: avoid; } }
"""


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
