"""What may stand in requests that change what is live, and what they are answered."""

from __future__ import annotations

from typing import Annotated

import msgspec

from features.messages.decoding import Id
from models.release.trial import Trial
from models.release.trial_figures import Figures, Side

Why = Annotated[str, msgspec.Meta(max_length=1000)]


class ReleaseRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /admin/release: puts a recorded release live, or on trial beside the live one.

    canary: the share of the users, in per cent, who get its lists; shadow: it answers too and nobody sees it. A canary
    ends by itself when more than max_error_rate of its lists fail, or when its 99th percentile of milliseconds is more
    than max_p99_ratio times that of the live release.
    """

    release: Id
    canary: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    shadow: bool = False
    max_error_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    max_p99_ratio: Annotated[float, msgspec.Meta(ge=1, le=1000)] = 2.0
    why: Why = "released over HTTP"


class PromoteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /admin/promote: the release on trial goes live."""

    why: Why = "promoted over HTTP"


class AbortRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /admin/abort: the trial ends, the live release answers everybody."""

    why: Why = "aborted over HTTP"


class SideAnswer(msgspec.Struct):
    """Lists of one release during a trial; the percentiles are up to 10 % too high, and null without lists."""

    n_answers: int
    n_errors: int
    p50_ms: float | None
    p99_ms: float | None


class TrialAnswer(msgspec.Struct):
    """A release on trial. overlap: mean share of items that stood in the lists of both releases (shadow), of n_compared
    requests; outcome: null while it is under way, else promoted, aborted, overtaken or changed."""

    release: str
    against: str
    mode: str
    percent: float
    since: str
    who: str
    why: str
    live: SideAnswer
    challenger: SideAnswer
    overlap: float | None
    n_compared: int
    outcome: str | None = None
    reason: str | None = None


class ReleaseAnswer(msgspec.Struct):
    """The release that is live now, whether this request changed it, and the release on trial, if there is one."""

    release: str | None
    changed: bool
    trial: TrialAnswer | None


def trial_answer(trial: Trial, figures: Figures) -> TrialAnswer:
    """figures: of all workers."""
    return TrialAnswer(
        release=trial.release,
        against=trial.against,
        mode=trial.mode,
        percent=trial.percent,
        since=trial.since,
        who=trial.who,
        why=trial.why,
        live=_side(figures.live),
        challenger=_side(figures.challenger),
        overlap=figures.mean_overlap,
        n_compared=round(figures.n_compared),
        outcome=trial.outcome or None,
        reason=trial.reason or None,
    )


def _side(side: Side) -> SideAnswer:
    return SideAnswer(round(side.n_answers), round(side.n_errors), side.quantile(0.5), side.quantile(0.99))
