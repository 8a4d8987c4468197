"""The page into which `dvc plots` draws, with Vega inside: DVC's own page loads it from the internet."""

from __future__ import annotations

from importlib.metadata import version
from itertools import islice
from pathlib import Path

from features.files import write_text

PAGE = "plots_page.html"  # in .dvc, not in git: it is made of the installed package
PACKAGE = "vl-convert-python"  # carries Vega, Vega-Lite and vega-embed
VEGA_LITE = "5.21"  # DVC's templates and ours are of version 5

FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{{refresh_tag}}
<title>recops plots</title>
<!-- {package} -->
<script>
(() => {{
{vega}
const embed = window.vegaEmbed;
const options = {{renderer: "svg", actions: {{export: true, source: false, compiled: false, editor: false}}}};
window.vegaEmbed = (element, spec) => embed(element, spec, options);
}})();
</script>
<style>
body {{ margin: 1rem auto; max-width: 70rem; padding: 0 1rem; background: #fff; font: 14px/1.4 system-ui, sans-serif; }}
body > div {{ margin-bottom: 2.5rem; overflow-x: auto; }}
table {{ border-spacing: 15px; }}
</style>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def refresh_plots_page(root: Path) -> bool:
    """Writes the page and names it in .dvc/config.local, where that is not done or the package is another; True when it
    wrote.

    A page that the project or the user names (`plots.html_template`) is left alone.
    """
    from dvc.config import Config

    folder, package = root / ".dvc", f"{PACKAGE} {version(PACKAGE)}"
    page = folder / PAGE
    config = Config(dvc_dir=str(folder), local_dvc_dir=str(folder))
    named = config["plots"].get("html_template")
    if named not in (None, PAGE) or (named == PAGE and page.is_file() and _is_made_of(package, page)):
        return False
    write_text(FRAME.format(package=package, vega=_vega()), page)
    with config.edit("local") as local:
        local["plots"]["html_template"] = PAGE
    return True


def _is_made_of(package: str, page: Path) -> bool:
    """Whether the page was written with this version of the package; it says so in its first lines."""
    with page.open(encoding="utf-8") as lines:
        return f"<!-- {package} -->" in "".join(islice(lines, 10))


def _vega() -> str:
    """Vega, Vega-Lite and vega-embed as one script that leaves `vegaEmbed` in the window."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE))


if __name__ == "__main__":
    refresh_plots_page(Path.cwd())
