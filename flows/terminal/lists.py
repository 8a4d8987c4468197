"""Recommended lists as tables for the terminal: rank, title, reason, score."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

PLAIN_WIDTH = 140  # where standard output is no terminal


def print_lists(lists: pl.DataFrame, user_ids: Sequence[str]) -> None:
    """A table for each user on standard output.

    lists: user_id, item_id, title, rank, score, reason and, where places are drawn, propensity; user_ids: whose lists,
    in this order.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    drawn = "propensity" in lists.columns
    for user_id in user_ids:
        rows = lists.filter(pl.col("user_id") == user_id)
        console.print(f"user {user_id}", style="bold")
        if rows.is_empty():
            console.print("  nothing to recommend")
            continue
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("rank", justify="right")
        table.add_column("title", ratio=3)
        table.add_column("item", style="dim", overflow="fold")
        table.add_column("reason", ratio=4)
        table.add_column("score", justify="right", no_wrap=True)
        if drawn:
            table.add_column("propensity", justify="right", no_wrap=True)
        for row in rows.iter_rows(named=True):
            cells = [str(row["rank"]), row["title"] or "", row["item_id"], row["reason"] or "", f"{row['score']:.3f}"]
            table.add_row(*cells, *([f"{row['propensity']:.3f}"] if drawn else []))
        console.print(table)
