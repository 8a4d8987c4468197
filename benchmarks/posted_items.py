"""How soon a posted item is recommended, and to whom: twins of known items, posted to a running service.

Each twin has the texts of an item of the release under a new id. It should enter the lists of people who chose that
item, sooner than those of others. The twins are deleted at the end.

    python -m benchmarks.posted_items --project . --address http://127.0.0.1:3000 --items 20
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.request
from pathlib import Path

import numpy as np
import polars as pl

K = 100
PATIENCE_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.posted_items", description=__doc__)
    parser.add_argument("--project", type=Path, default=Path(), help="the project whose release is served")
    parser.add_argument("--address", default="http://127.0.0.1:3000")
    parser.add_argument("--items", type=int, default=20, help="how many twins")
    parser.add_argument("--people", type=int, default=10, help="how many who chose the item, and as many others")
    given = parser.parse_args()
    data = given.project / "data"
    catalogue = pl.read_parquet(data / "bundle" / "catalogue" / "catalogue.parquet").filter(pl.col("text") != "")
    log = pl.read_parquet(data / "log" / "full.parquet").select("user_id", "item_id")
    rng = np.random.default_rng(1)
    chosen = catalogue.sample(given.items, seed=1)
    everybody = log["user_id"].unique().sort().to_list()
    seconds, fans_shown, others_shown = [], [], []
    for number, row in enumerate(chosen.iter_rows(named=True)):
        twin = f"twin-{number}-{row['item_id']}"
        fans = log.filter(item_id=row["item_id"])["user_id"].unique().sort().to_list()[: given.people]
        others = rng.choice(everybody, len(fans), replace=False).tolist()
        fields = {name: row[name] for name in ("title", "description", "tags", "category", "price")}
        started = time.perf_counter()
        _call(given.address, "POST", "/items", {"items": [{"item_id": twin, **fields}]})
        seconds.append(_until_similar(given.address, row["item_id"], twin, started))
        fans_shown += [_is_shown(given.address, user_id, twin) for user_id in fans]
        others_shown += [_is_shown(given.address, user_id, twin) for user_id in others]
        _call(given.address, "DELETE", f"/items/{twin}", None)
    taken = np.array(seconds)
    print(f"{len(taken)} items, seconds from POST /items until they are recommended (the first may start the encoder):")
    print(f"  first {taken[0]:.2f} s; the others: median {np.median(taken[1:]):.2f} s, longest {taken[1:].max():.2f} s")
    print(
        f"share of lists of {K} with the new item: people who chose its twin {np.mean(fans_shown):.3f}, others "
        f"{np.mean(others_shown):.3f}"
    )


def _until_similar(address: str, item_id: str, twin: str, started: float) -> float:
    """Seconds until the twin is in the list of what is similar to the item."""
    while time.perf_counter() - started < PATIENCE_S:
        items = _call(address, "POST", "/similar", {"item_id": item_id, "k": K})["items"]
        if any(item["item_id"] == twin for item in items):
            return time.perf_counter() - started
        time.sleep(0.02)
    raise SystemExit(f"{twin} was not recommended within {PATIENCE_S:.0f} s; GET /status says why under `items`")


def _is_shown(address: str, user_id: str, twin: str) -> bool:
    items = _call(address, "POST", "/recommend", {"user_id": user_id, "k": K})["items"]
    return any(item["item_id"] == twin for item in items)


def _call(address: str, method: str, path: str, body: dict | None) -> dict:  # type: ignore[type-arg]
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if body is not None else {}
    request = urllib.request.Request(address + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as reply:
        answer: dict = json.load(reply)  # type: ignore[type-arg]
    return answer


if __name__ == "__main__":
    main()
