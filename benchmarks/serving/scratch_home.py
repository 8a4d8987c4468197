"""A copy of a home that a benchmark may write to: pointer, users' states and event log of the real one stay."""

from __future__ import annotations

import shutil
from pathlib import Path

LINKED = ("bentoml", "cache")


def copy_home(home: Path, target: Path) -> Path:
    """`target` as a home with the releases of `home` (linked), its pointer and its online stores (copied), no events.

    The cache is the home's own: an approximate index of a million items is made once, not for each benchmark.

    Online stores on Redis and event logs on PostgreSQL are not copied: set RECOPS_ONLINE_STORE and RECOPS_DATABASE_URL
    to others for a benchmark of them.
    """
    (target / "releases").mkdir(parents=True)
    for release in (home / "releases").glob("*/release.json"):
        (target / "releases" / release.parent.name).symlink_to(release.parent.resolve(), target_is_directory=True)
    shutil.copyfile(home / "releases" / "live.json", target / "releases" / "live.json")
    (home / "cache").mkdir(exist_ok=True)
    for name in LINKED:
        if (home / name).is_dir():
            (target / name).symlink_to((home / name).resolve(), target_is_directory=True)
    if (home / "online").is_dir():
        shutil.copytree(home / "online", target / "online", ignore=shutil.ignore_patterns("*.lock", "*.locks"))
    return target
