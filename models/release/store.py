"""Releases: the live pointer and its history, one file that is replaced whole; flows write it, services read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import UserError
from features.files import locked, write_text
from models.release.code import RunningCode

JUDGED = "judged"
LOCK_S = 30.0  # a change of the pointer takes milliseconds


class ReleaseError(UserError):
    """No such release, or it cannot be put live."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """A bundle that was or may be put live. Times are ISO-8601 UTC; data_until is µs since 1970 (None:
    unknown).

    events_through: last sequence number of the event log that its online namespace held when it was filled.
    judged_hash: of the bundle that the gate judged ("": the same, as in releases of before); refit: what is served was
    fitted anew from it, on all data.
    kind: `update` of a release whose parts learned from the event log too; update: what the bundle is a function of,
    `release`, `position` (seq of the last event) and `params`.
    """

    release: str
    bundle_hash: str
    created_at: str
    data_until: int | None
    events_through: int
    namespace: str
    bento_tag: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    judged_hash: str = ""
    refit: bool = False
    kind: str = "release"
    update: dict[str, Any] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The release that an update was made from; itself where it is none."""
        return str(self.update.get("release") or self.release)

    @property
    def judged(self) -> str:
        """Hash of the bundle that the gate judged."""
        return self.judged_hash or self.bundle_hash


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time in which one release was live; live_to is None for the one that is live now."""

    release: str
    live_from: str
    live_to: str | None
    who: str
    why: str


def read_release(path: Path) -> Release:
    """Reads a release.json; ignores fields that a later version added.

    Raises:
        ReleaseError: it is no release.
    """
    names = {field.name for field in fields(Release)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Release(**{name: value for name, value in content.items() if name in names})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ReleaseError(
            f"{path}: no readable release ({' '.join(str(error).split())}); restore the file, or remove its folder and "
            "release again"
        ) from None


def now() -> str:
    """The current time, ISO-8601 UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def put_live(pointer: dict[str, Any], release: str, *, who: str, why: str) -> None:
    """Appends to the history of a pointer's content, and ends the trial that is under way: what it was compared with is
    live no longer."""
    history, instant = pointer["history"], now()
    if history:
        history[-1]["live_to"] = instant
    history.append({"release": release, "live_from": instant, "live_to": None, "who": who, "why": why})
    for trial in pointer["trials"]:
        if trial["until"] is None:
            outcome = "promoted" if trial["release"] == release else "overtaken"
            trial.update(until=instant, outcome=outcome, reason=f"{release} was put live by {who}: {why}")


class ReleaseStore:
    """Folders `releases/<id>/` with release.json and bundle/, and `releases/live.json` that says what was live when."""

    def __init__(self, home: Path) -> None:
        self.root = home / "releases"
        self.pointer = self.root / "live.json"

    def folder(self, release: str) -> Path:
        return self.root / release

    def bundle(self, release: str) -> Path:
        return self.root / release / "bundle"

    def judged(self, release: str) -> Path:
        """The bundle that the gate judged: kept beside the one that is served where that was fitted anew."""
        kept = self.root / release / JUDGED
        return kept if kept.is_dir() else self.bundle(release)

    def has(self, release: str) -> bool:
        """Whether a release of that id is recorded."""
        named = bool(release) and "/" not in release and not release.startswith(".")
        return named and (self.folder(release) / "release.json").is_file()

    def read(self, release: str) -> Release:
        """One release by its id.

        Raises:
            ReleaseError: there is none of that id, or its release.json is damaged.
        """
        path = self.folder(release) / "release.json"
        if not self.has(release):
            there = [kept.release for kept in self.list()]
            raise ReleaseError(f"no release '{release}' in {self.root}; there are {there} (`recops releases`)")
        return read_release(path)

    def write(self, release: Release) -> None:
        """Records a release without putting it live."""
        text = json.dumps(asdict(release), indent=1, sort_keys=True) + "\n"
        write_text(text, self.folder(release.release) / "release.json")

    def list(self) -> Sequence[Release]:
        """Every recorded release that can be read, oldest first; `unreadable` names the others."""
        releases = []
        for path in sorted(self.root.glob("*/release.json")):
            with suppress(ReleaseError):
                releases.append(read_release(path))
        return sorted(releases, key=lambda release: (release.created_at, release.release))

    def unreadable(self) -> dict[str, str]:
        """Releases whose release.json cannot be read: id → why."""
        reasons = {}
        for path in sorted(self.root.glob("*/release.json")):
            try:
                read_release(path)
            except ReleaseError as error:
                reasons[path.parent.name] = str(error)
        return reasons

    def faults(self) -> dict[str, str]:
        """What cannot be read, in a sentence each: releases by their id, the pointer as `live.json`."""
        faults = self.unreadable()
        try:
            self.read_pointer()
        except ReleaseError as error:
            faults[self.pointer.name] = str(error)
        return faults

    def history(self) -> Sequence[Span]:
        """The history of live releases, oldest first."""
        return [Span(**span) for span in self.read_pointer()["history"]]

    def pinned(self) -> Sequence[str]:
        """Releases that `recops gc` keeps whatever their age."""
        return tuple(self.read_pointer()["pinned"])

    def live(self) -> str | None:
        """The id of the live release."""
        history = self.read_pointer()["history"]
        return str(history[-1]["release"]) if history else None

    def live_for(self, code: RunningCode) -> str | None:
        """The id of the release that a process should serve: the live one, or where that needs other code, the newest
        one of the history that this code can load."""
        for age, span in enumerate(reversed(self.history())):
            try:
                bento_tag = self.read(span.release).bento_tag
            except ReleaseError:
                if age == 0:  # whoever loads it says what is wrong with it
                    return span.release
                continue
            if code.can_load(bento_tag):
                return span.release
        return None

    def previous(self) -> str | None:
        """The id of the release that a rollback brings back: the last other one that was live and is still kept."""
        live = self.live()
        readable = {release.release for release in self.list()}
        for span in reversed(self.history()):
            if span.release != live and span.release in readable:
                return span.release
        return None

    def at(self, instant: str) -> str | None:
        """The id of the release that was live at an instant (ISO-8601 with zone)."""
        try:
            moment = datetime.fromisoformat(instant)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ReleaseError(f"instant '{instant}' is not ISO-8601 with a zone, e.g. 2026-01-31T12:00:00+00:00")
        for span in self.history():
            ended = datetime.fromisoformat(span.live_to) if span.live_to else None
            if datetime.fromisoformat(span.live_from) <= moment and (ended is None or moment < ended):
                return span.release
        return None

    def swap(self, release: str, *, who: str, why: str, expected: str | None = None) -> bool:
        """Puts a recorded release live by one atomic replacement of the pointer file; whether that changed anything.

        expected: the release that the caller saw live; when another one is live by now, nothing changes. The comparison
        and the replacement are under one lock of all processes.
        """
        self.read(release)
        with self.locked():
            pointer = self.read_pointer()
            history = pointer["history"]
            live = history[-1]["release"] if history else None
            if live == release or expected not in (None, live):
                return False
            put_live(pointer, release, who=who, why=why)
            self.replace_pointer(pointer)
            return True

    def pin(self, release: str, *, pinned: bool) -> None:
        """Keeps a release from `recops gc`, or no longer."""
        self.read(release)
        with self.locked():
            pointer = self.read_pointer()
            pointer["pinned"] = sorted({*pointer["pinned"], release} if pinned else {*pointer["pinned"]} - {release})
            self.replace_pointer(pointer)

    def read_pointer(self) -> dict[str, Any]:
        """The pointer file, checked: spans of the history, names of pinned releases, trials (models/release/trial.py).

        Raises:
            ReleaseError: it is damaged.
        """
        try:
            content = dict(json.loads(self.pointer.read_text(encoding="utf-8")))
            for span in content["history"]:
                Span(**span)
            trials = [dict(trial) for trial in content.get("trials", ())]
            return {"history": list(content["history"]), "pinned": list(content["pinned"]), "trials": trials}
        except FileNotFoundError:
            return {"history": [], "pinned": [], "trials": []}
        except (OSError, ValueError, TypeError, KeyError) as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise ReleaseError(
                f"{self.pointer}: not readable ({what}); restore it from a copy, or remove it "
                "and put a release live again (`recops release`)"
            ) from None

    def replace_pointer(self, content: dict[str, Any]) -> None:
        """Replaces the pointer file whole; under `locked`."""
        write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", self.pointer)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The lock of all processes under which the pointer is changed."""

        def refusal(holder: str) -> ReleaseError:
            return ReleaseError(
                f"{self.root}: process {holder} has held .lock for {LOCK_S:.0f} s; end it, then try again"
            )

        with locked(self.root / ".lock", refusal, wait_s=LOCK_S, poll_s=0.01):
            yield
