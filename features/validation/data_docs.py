"""Data Docs: Great Expectations' own pages, made readable without a network and the same for the same data."""

from __future__ import annotations

import html
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from features.files import write_text
from features.validation.results import Finding

STYLE = Path(__file__).with_name("data_docs.css")  # what the pages use of their usual frameworks
_foreign = (
    re.compile(r"<script\b.*?</script>", re.DOTALL),
    re.compile(r"<link\b[^>]*?>", re.DOTALL),
    re.compile(r"<style\b.*?</style>", re.DOTALL),
    re.compile(r"<img\b[^>]*?https?://[^>]*?>", re.DOTALL),
    re.compile(r"<footer\b.*?</footer>", re.DOTALL),
    re.compile(r'<div id="ge-cta-footer".*?</div>', re.DOTALL),
    re.compile(
        r'<div class="card mb-3">\s*<div class="card-header p-2">\s*<strong>Actions</strong>'
        r".*?</div>\s*</div>\s*</div>\s*</div>\s*</div>",
        re.DOTALL,
    ),
)
_id = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_folder = re.compile(r">[^<>]*/(?=frames/)")
_clock = re.compile(r"\b20\d{6}T\d{6}\.\d{6}Z")


def write_docs(context: Any, folder: Path, findings: tuple[Finding, ...], now: datetime) -> None:
    """Data Docs of the context's validations in `folder` (replaced): index.html, one page a suite and its results."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    context.add_data_docs_site(
        site_name="recops",
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(folder.absolute()),
            },
        },
    )
    context.build_data_docs(site_names=["recops"])
    context.delete_data_docs_site("recops")  # its folder is this machine's
    shutil.rmtree(folder / "static", ignore_errors=True)
    run_folder = f"{now:%Y%m%dT%H%M%S.%fZ}"
    for page in sorted(folder.rglob("*.html")):
        up = "../" * (len(page.relative_to(folder).parts) - 1)
        write_text(_offline(page.read_text(encoding="utf-8"), up, run_folder), page)
    write_text(STYLE.read_text(encoding="utf-8"), folder / "style.css")
    write_text(_index(folder, findings, now), folder / "index.html")


def _offline(page: str, up: str, keep: str) -> str:
    """A page that asks nothing of any network: our style, no scripts, ids by order, no load times, no folder."""
    for pattern in _foreign:
        page = pattern.sub("", page)
    order: dict[str, str] = {}
    page = _id.sub(lambda match: order.setdefault(match[0], f"n{len(order) + 1}"), page)
    page = _clock.sub(lambda match: match[0] if match[0] == keep else "(not kept)", page)
    page = _folder.sub(">", page)
    page = re.sub(r'href="(?:\.\./)+index\.html"', f'href="{up}index.html"', page)
    page = page.replace("<title></title>", "")
    page = re.sub(r'(<a href="[^"]*index\.html">)\s*</a>', r"\1Data Docs</a>", page)
    page = page.replace("</head>", f'<link rel="stylesheet" href="{up}style.css">\n</head>')
    return re.sub(r"[ \t]+\n", "\n", re.sub(r"\n\s*\n+", "\n", page))


def _index(folder: Path, findings: tuple[Finding, ...], now: datetime) -> str:
    """The first page: the verdict, and every rule with its numbers and examples."""
    n_failed = sum(not finding.passed and not finding.only_warns for finding in findings)
    n_warnings = sum(not finding.passed and finding.only_warns for finding in findings)
    verdict = "accepted" if n_failed == 0 else f"not accepted: {n_failed} of {len(findings)} rules failed"
    verdict += "" if n_warnings == 0 else f"; {n_warnings} {'warning' if n_warnings == 1 else 'warnings'}"
    mood = "alert-danger" if n_failed else "alert-warning" if n_warnings else "alert-success"
    suites = list(dict.fromkeys(finding.rule.suite for finding in findings))
    rows = "\n".join(_row(finding, _results_page(folder, finding.rule.suite)) for finding in findings)
    links = " · ".join(
        f'<a href="{_results_page(folder, suite)}">{suite}</a> (<a href="expectations/{suite}.html">rules</a>)'
        for suite in suites
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<title>Data Docs</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<div class="container-fluid">
<h4>Data Docs: what the data was asked, and what it answered</h4>
<p class="alert {mood}">The data is {verdict}. Measured at {now.isoformat()}.</p>
<p>{links}</p>
<table class="table">
<thead><tr><th></th><th>Table</th><th>Rule</th><th>Rows</th><th>Broken</th><th>Allowed</th><th>Examples</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p class="small">Made with Great Expectations; the pages need no network.</p>
</div>
</body>
</html>
"""


def _row(finding: Finding, page: str) -> str:
    broken = "fa-exclamation-triangle text-warning" if finding.only_warns else "fa-times text-danger"
    sign = "fa-check-circle text-success" if finding.passed else broken
    shown = [finding.error] if finding.error is not None else [] if finding.passed else list(finding.examples)
    examples = "<br>".join(html.escape(str(example)) for example in shown)
    remedy = "" if finding.passed else f"<br><em>{html.escape(finding.rule.remedy)}</em>"
    return (
        f'<tr><td><i class="fas {sign}"></i></td><td><a href="{page}">{finding.rule.suite}</a></td>'
        f"<td>{html.escape(finding.rule.says)}<br><code>{finding.rule.title}</code></td>"
        f"<td>{finding.n_checked:,}</td><td>{finding.n_broken:,}</td><td>{100 * finding.rule.at_most:g} %</td>"
        f"<td>{examples}{remedy}</td></tr>"
    )


def _results_page(folder: Path, suite: str) -> str:
    pages = sorted((folder / "validations" / suite).rglob("*.html"))
    return pages[0].relative_to(folder).as_posix() if pages else f"expectations/{suite}.html"
