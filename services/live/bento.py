"""The bundle inside a Bento: served alone only on request, and never with state inside the Bento."""

from __future__ import annotations

import json
from pathlib import Path

from features.settings import Settings
from models.release.code import BENTO, running_code
from models.release.store import Release

_SOURCE = Path(__file__).resolve().parents[2]
# where a Bento keeps its bundle: `recops release` puts it beside the code, `bentoml build` leaves it in data/
_IN_PROJECT = _SOURCE / "data" / "bundle"
_IS_BUILT_IN_PROJECT = running_code().origin == BENTO and (_IN_PROJECT / "manifest.json").is_file()
INSIDE = _IN_PROJECT if _IS_BUILT_IN_PROJECT else _SOURCE / "bundle"
ALONE = "bento"  # as RECOPS_RELEASE: serve that bundle without what releases know of users


def home_fault(settings: Settings) -> str | None:
    """Why a Bento must not touch its home: it is not named, or lies inside the Bento. None: it may, or this is none.

    The default home is below the current folder, which is the Bento's own: events written there are lost with it, or
    shipped with a copy of it.
    """
    if not is_bento():
        return None
    bento = INSIDE.parents[1] if INSIDE == _IN_PROJECT else INSIDE.parent
    remedy = "set RECOPS_HOME to the folder outside of it that holds releases/ and the event log of this service"
    if "home" not in settings.model_fields_set:
        return f"RECOPS_HOME is not set: a Bento keeps no state in its own folder ({bento}); {remedy}"
    if settings.home.resolve().is_relative_to(bento):
        return f"RECOPS_HOME is {settings.home}, inside the Bento {bento}, which keeps no state; {remedy}"
    return None


def is_bento() -> bool:
    """Whether this code runs from a Bento, and not from a working tree."""
    return (INSIDE / "manifest.json").is_file()


def name_inside() -> str:
    """The release name of the bundle inside."""
    return f"bento-{_hash_inside()[:12]}"


def release_inside(name: str) -> Release:
    """The bundle inside as a release: it knows no users but those of the event log, and no instant of its data."""
    return Release(
        release=name,
        bundle_hash=_hash_inside(),
        created_at="",
        data_until=None,
        events_through=0,
        namespace=name.replace("-", "_"),
    )


def _hash_inside() -> str:
    return str(json.loads((INSIDE / "manifest.json").read_text(encoding="utf-8"))["hash"])
