"""Lists while a release is on trial: who gets which one, and what is measured."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context

from services.api.answers import RecommendAnswer
from services.api.lists import recommend as lists
from services.api.schemas import RecommendRequest
from services.errors import ApiError
from services.instants import iso
from services.live.serving import Serving
from services.live.trials import RunningTrial
from services.metrics import metrics
from services.recorder.comparisons import Comparison
from services.runtime import Runtime

logger = logging.getLogger(__name__)

PAUSE_S = 0.005
ATTEMPTS = 100  # to find a moment in which nobody waits
_shadows: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


async def recommend(serving: Serving, request: RecommendRequest, runtime: Runtime) -> RecommendAnswer:
    """The list of a request, by the live release or by a canary; a shadow is asked after it."""
    running = runtime.live.trials.running
    if running is None or running.trial.against != serving.release.release:
        answer = await _ask(serving, request, runtime)
        metrics().lists.labels("live").inc()
        return answer
    if running.trial.takes(request.user_id):
        try:
            answer = await _ask(running.serving, request, runtime)
        except ApiError:  # of the request or of a store: the other release would say the same
            raise
        except Exception:
            running.note_error()
            logger.exception("release=%s failed, %s answers", running.trial.release, running.trial.against)
        else:
            running.note_challenger(answer.took_ms)
            metrics().lists.labels("canary").inc()
            return answer
    answer = await _ask(serving, request, runtime)
    metrics().lists.labels("live").inc()
    running.note_live(answer.took_ms)
    if running.trial.mode == "shadow":
        work = _shadow(running, request, answer, runtime)
        task = asyncio.get_running_loop().create_task(work, context=Context())  # no deadline, no request id
        _shadows.add(task)
        task.add_done_callback(_shadows.discard)
    return answer


async def _ask(serving: Serving, request: RecommendRequest, runtime: Runtime) -> RecommendAnswer:
    session = await runtime.arrive(serving, request.user_id)
    recorders = lists.Recorders(impressions=runtime.impressions, flight=runtime.flight)
    answer: RecommendAnswer = await runtime.ask(lists.recommend, serving, request, session, runtime.live.at, recorders)
    return answer


async def _shadow(running: RunningTrial, request: RecommendRequest, seen: RecommendAnswer, runtime: Runtime) -> None:
    """Asks the release on trial what was answered already, when nobody else waits; compares both lists."""
    for _ in range(ATTEMPTS if len(_shadows) < ATTEMPTS else 0):
        await asyncio.sleep(PAUSE_S)
        if runtime.turns.is_free():
            break
    else:
        running.note_skipped()
        return
    try:
        session = await runtime.arrive(running.serving, request.user_id)
        answer: RecommendAnswer = await runtime.ask(
            lists.recommend, running.serving, request, session, runtime.live.at, lists.UNSEEN
        )
    except ApiError:
        running.note_skipped()
        return
    except Exception:
        running.note_error()
        logger.exception("release=%s failed in the shadow", running.trial.release)
        return
    running.note_challenger(answer.took_ms)
    running.compare(
        Comparison(
            request_id=seen.request_id,
            at=iso(running.serving.sessions.now()),
            live=[item.item_id for item in seen.items],
            challenger=[item.item_id for item in answer.items],
            live_ms=seen.took_ms,
            challenger_ms=answer.took_ms,
        )
    )
