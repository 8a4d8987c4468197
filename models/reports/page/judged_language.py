"""The report's section on what language parts are worth: what each adds on valid, what was dropped, why, at what price
it would stay, and what the map has chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.reports.page.html import section, table


def language_parts(kept: Mapping[str, Any]) -> str:
    """kept: as models/ablation/kept.py has it."""
    rows = [
        [
            part["part"],
            "stays" if part["kept"] else "dropped",
            part["metric"],
            f"{part['n_users']:,}",
            f"{part['with_part']:.4f}",
            f"{part['without']:.4f}",
            f"{part['lift']:.1%} ({part['low']:.1%} to {part['high']:.1%})",
            f"{part['bytes'] / 1e6:.1f} MB, {part['milliseconds']:.2f} ms, {part['tokens']:,} tokens",
        ]
        for part in kept["parts"]
    ]
    heads = ["", "", "judged on", "users", "with it", "without it", "would be lost", "costs"]
    return section(
        "What language models and texts are worth",
        " ".join([_lead(kept), *_dropped(kept), *_map(kept["map_settings"])]),
        table(heads, rows, "costs") if rows else "",
    )


def _lead(kept: Mapping[str, Any]) -> str:
    if kept["skipped"]:
        return f"Not judged in this run: {kept['skipped']}."
    n_dropped = sum(not part["kept"] for part in kept["parts"])
    found = "All of them stay." if not n_dropped else f"{n_dropped} of {len(kept['parts'])} were left out."
    return (
        f"Each part was judged with and without it, before the test part was looked at. {found} Texts that nothing "
        "here names change no list, and need not earn a place."
    )


def _dropped(kept: Mapping[str, Any]) -> list[str]:
    return [f"{part['part'].capitalize()} was {part['why']}." for part in kept["parts"] if not part["kept"]]


def _map(settings: Mapping[str, Any] | None) -> list[str]:
    """What the fit of the map on train has chosen on held-out items (models/retrieval/text_to_collaborative)."""
    if settings is None:
        return []
    weights = ", ".join(f"{name} {weight:.2g}" for name, weight in sorted(settings["weights"].items()))
    return [
        f"The map from texts to choices has chosen the kernels {weights}, power {settings['power']} of the cosine, "
        f"noise κ {settings['kappa']:.2g}, smoothing λ {settings['smoothing']:.3g}, weight of demand "
        f"{settings['demand']:.2g} and of plain text {settings['text']:.2g}."
    ]
