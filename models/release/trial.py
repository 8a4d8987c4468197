"""Trials: a release that answers beside the live one, for a share of the users (canary) or unseen (shadow).

They stand in the pointer file, so every process sees the same one, and a change of what is live ends it in the same
replacement of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from models.release.code import code_of
from models.release.store import ReleaseError, ReleaseStore, now, put_live

Mode = Literal["canary", "shadow"]
KEPT = 50  # ended trials that the pointer remembers


class TrialError(ReleaseError):
    """A trial that cannot begin, or none to end."""


@dataclass(frozen=True, kw_only=True)
class TrialOptions:
    """How a release is to be tried; fields as in `Trial`."""

    mode: Mode
    percent: float = 100.0
    max_error_rate: float = 0.01
    max_p99_ratio: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A release on trial against the one that is live. Times are ISO-8601 UTC.

    percent: of the users who get its lists, 0 to 100 (in shadow: nobody does); salt: by which they are drawn, the same
    in all processes; max_error_rate: share of failed lists at which a canary ends; max_p99_ratio: how many times the
    live release's 99th percentile of milliseconds its own may be. until: None while it is under way; outcome: then
    `promoted`, `aborted`, `overtaken` (another release went live) or `changed` (it began again otherwise).
    """

    release: str
    against: str
    mode: Mode
    percent: float
    salt: str
    since: str
    who: str
    why: str
    max_error_rate: float
    max_p99_ratio: float
    until: str | None = None
    outcome: str = ""
    reason: str = ""

    def takes(self, user_id: str) -> bool:
        """Whether a canary answers this user."""
        return self.mode == "canary" and share_of(self.salt, user_id) * 100 < self.percent


def share_of(salt: str, user_id: str) -> float:
    """A user's place in [0, 1): SHA-256 of `salt:user`, its first eight bytes as a fraction. A greater share of the
    same salt holds the users of a smaller one."""
    digest = hashlib.sha256(f"{salt}:{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def trials(store: ReleaseStore) -> Sequence[Trial]:
    """All that are remembered, oldest first; the last one may be under way."""
    return [_trial(content) for content in store.read_pointer()["trials"]]


def running_trial(store: ReleaseStore) -> Trial | None:
    """The trial that is under way."""
    remembered = trials(store)
    return remembered[-1] if remembered and remembered[-1].until is None else None


def check_trial(store: ReleaseStore, code: str | None) -> str:
    """The live release, against which a release of that code (None: any) may be tried.

    Raises:
        TrialError: nothing is live, or the live release needs other code: one process answers with both.
    """
    live = store.live()
    if live is None:
        raise TrialError(f"{store.root}: nothing is live, so nothing can be tried beside it (`recops release`)")
    tag = store.read(live).bento_tag
    if tag is not None and code is not None and code_of(tag) != code:
        raise TrialError(
            f"a release of code {code} cannot be tried beside {live} of code {code_of(tag)}: one process answers with "
            "both; put it live (`recops release`), then try the next one"
        )
    return live


def begin_trial(
    store: ReleaseStore,
    release: str,
    mode: Mode,
    *,
    percent: float = 100.0,
    who: str,
    why: str,
    max_error_rate: float = 0.01,
    max_p99_ratio: float = 2.0,
) -> Trial:
    """Tries a recorded release; the same one on trial already goes on with the new mode, share and limits.

    The salt is the release's id: whoever belonged to 5 % of the users belongs to 20 % too.

    Raises:
        ReleaseError: there is no such release.
        TrialError: it is live, another one is on trial, or `check_trial` refuses.
    """
    tag = store.read(release).bento_tag
    with store.locked():
        live = check_trial(store, code_of(tag) if tag else None)
        if live == release:
            raise TrialError(f"release {release} is live: there is nothing to compare it with")
        pointer, before = store.read_pointer(), running_trial(store)
        if before is not None and before.release != release:
            raise TrialError(f"release {before.release} is on trial; end that first (`recops promote` or --abort)")
        trial = Trial(
            release=release,
            against=live,
            mode=mode,
            percent=percent,
            salt=release,
            since=now(),
            who=who,
            why=why,
            max_error_rate=max_error_rate,
            max_p99_ratio=max_p99_ratio,
        )
        if before is not None:
            pointer["trials"][-1].update(until=trial.since, outcome="changed", reason=f"{mode} {percent:g} %")
        pointer["trials"] = [*pointer["trials"], asdict(trial)][-KEPT:]
        store.replace_pointer(pointer)
    return trial


def abort_trial(store: ReleaseStore, *, who: str, reason: str, expected: Trial | None = None) -> Trial:
    """Ends the trial that is under way; the live release answers everybody.

    expected: the trial that the caller saw; when it is over, nothing changes, and it is given back.

    Raises:
        TrialError: none is under way.
    """
    with store.locked():
        pointer, trial = store.read_pointer(), running_trial(store)
        if expected is not None and (trial is None or trial.since != expected.since):
            return expected
        if trial is None:
            raise TrialError(f"{store.root}: no release is on trial (`recops release --canary 5` begins one)")
        pointer["trials"][-1].update(until=now(), outcome="aborted", reason=f"{who}: {reason}")
        store.replace_pointer(pointer)
    return _trial(pointer["trials"][-1])


def promote_trial(store: ReleaseStore, *, who: str, why: str) -> str:
    """Puts the release on trial live and ends the trial, in one replacement of the pointer; its id.

    Raises:
        TrialError: none is on trial.
    """
    with store.locked():
        pointer, trial = store.read_pointer(), running_trial(store)
        if trial is None:
            raise TrialError(f"{store.root}: no release is on trial (`recops release --canary 5` begins one)")
        store.read(trial.release)
        put_live(pointer, trial.release, who=who, why=why)
        store.replace_pointer(pointer)
    return trial.release


def _trial(content: dict[str, Any]) -> Trial:
    """Fields that a later version added are left out."""
    names = {one.name for one in fields(Trial)}
    return Trial(**{name: value for name, value in content.items() if name in names})
