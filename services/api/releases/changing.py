"""Handlers of the routes that change what is live."""

from __future__ import annotations

import asyncio

from models.release.store import ReleaseError
from models.release.trial import abort_trial, begin_trial, promote_trial, running_trial, trials
from models.release.trial_figures import read_figures
from services.api.releases.messages import AbortRequest, PromoteRequest, ReleaseAnswer, ReleaseRequest, trial_answer
from services.api.releases.servable import check_servable
from services.errors import ApiError
from services.runtime import Runtime

NOT_POSSIBLE = "release_not_possible"


async def release(request: ReleaseRequest, runtime: Runtime) -> ReleaseAnswer:
    """POST /admin/release: loaded on trial in this worker, then named by the pointer; every worker follows that."""
    store = runtime.live.store
    if request.shadow and request.canary is not None:
        raise ApiError(400, "canary: a release is tried as a canary or as a shadow, not as both", field="canary")
    if not store.has(request.release):
        message = f"release: '{request.release}' is not recorded; GET /releases lists them"
        raise ApiError(404, message, field="release", code="unknown_release")
    async with runtime.rollbacks:
        if request.canary is None and not request.shadow:
            try:
                await asyncio.to_thread(check_servable, runtime, request.release)
                changed = await asyncio.to_thread(store.swap, request.release, who="http", why=request.why)
                await asyncio.to_thread(runtime.live.refresh)
            finally:
                await asyncio.to_thread(runtime.live.forget_prepared)
            return await _answer(runtime, changed=changed)
        try:
            await asyncio.to_thread(
                begin_trial,
                store,
                request.release,
                "shadow" if request.shadow else "canary",
                percent=100.0 if request.canary is None else request.canary,
                who="http",
                why=request.why,
                max_error_rate=request.max_error_rate,
                max_p99_ratio=request.max_p99_ratio,
            )
        except ReleaseError as error:
            raise ApiError(409, str(error), code=NOT_POSSIBLE) from None
    return await _answer(runtime, changed=True)


async def promote(request: PromoteRequest, runtime: Runtime) -> ReleaseAnswer:
    """POST /admin/promote: the release on trial goes live."""
    async with runtime.rollbacks:
        try:
            await asyncio.to_thread(promote_trial, runtime.live.store, who="http", why=request.why)
        except ReleaseError as error:
            raise ApiError(409, str(error), code=NOT_POSSIBLE) from None
        await asyncio.to_thread(runtime.live.refresh)
    return await _answer(runtime, changed=True)


async def abort(request: AbortRequest, runtime: Runtime) -> ReleaseAnswer:
    """POST /admin/abort: the trial ends."""
    try:
        await asyncio.to_thread(abort_trial, runtime.live.store, who="http", reason=request.why)
    except ReleaseError as error:
        raise ApiError(409, str(error), code=NOT_POSSIBLE) from None
    return await _answer(runtime, changed=True)


async def _answer(runtime: Runtime, *, changed: bool) -> ReleaseAnswer:
    return await asyncio.to_thread(_state, runtime, changed)


def _state(runtime: Runtime, changed: bool) -> ReleaseAnswer:
    """What is live and on trial; of no trial under way the last one of this release."""
    store = runtime.live.store
    live = store.live()
    trial = running_trial(store) or next(
        (one for one in reversed(trials(store)) if live in (one.release, one.against)), None
    )
    figures = read_figures(runtime.settings.home, trial) if trial else None
    return ReleaseAnswer(live, changed, trial_answer(trial, figures) if trial and figures else None)
