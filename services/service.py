"""The Bento service: one Starlette app on `/` behind the access middleware, and BentoML's own probes."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

import bentoml
import uvicorn.config
from starlette.applications import Starlette
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features.resilience.lifetime import end_with_parent
from features.settings import Settings
from features.telemetry import quiet_telemetry
from models.release.code import running_code
from models.release.running import Registration
from services.access.middleware import ANSWER_S, AccessMiddleware
from services.api.bento_methods import BentoMethods
from services.app import labels_of, make_app
from services.live.release import SWITCH_S
from services.metric_files import choose_folder, reserve_files
from services.metrics import metrics
from services.runtime import Runtime

UNUSED = ("TimeoutMiddleware", "OpenTelemetryMiddleware")

app = make_app()
# the name that BentoML's worker asks uvicorn for; uvicorn resolves it when the worker's server starts
uvicorn.config.HTTP_PROTOCOLS["auto"] = "services.access.connection:LimitedProtocol"
choose_folder()


@bentoml.service(
    workers=Settings().workers,
    tracing={"excluded_urls": ".*"},  # these two cost more than an answer
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},  # its labels are the paths that clients send; ours are complete
    traffic={"timeout": ANSWER_S + 30},  # its 504 is not in our form: the gate answers before
)
@bentoml.asgi_app(app, path="/")
class RecopsService(BentoMethods):
    """A recommender from recops: lists for users, similar items, and the record of what users do."""

    def __init__(self) -> None:
        if any("_bentoml_impl.worker" in argument for argument in sys.orig_argv):
            end_with_parent("bentoml")  # `bentoml serve` starts workers in sessions of their own, which keep its port
        settings = Settings()
        quiet_telemetry()
        logging.getLogger("services").setLevel(logging.INFO)
        reserve_files()
        metrics()
        registration = Registration(settings.home, supervisor=os.getppid(), code=asdict(running_code()))
        self.runtime = Runtime(settings, registration)
        app.state.runtime = self.runtime

    @bentoml.on_startup  # type: ignore[untyped-decorator]
    async def load(self) -> None:
        """Loads the live release before the first request, then leaves it out of the collector's rounds.

        Raises:
            RuntimeError: none could be loaded, and this worker was to take over from others.
        """
        self.runtime.register()
        if not gc.isenabled():  # a worker of ours, whose collector has rested since its start
            gc.freeze()  # all code: it stays, and the collection after the load need not look through it
        await asyncio.to_thread(self.runtime.live.start)
        # an answer's products are small: a second BLAS thread costs a hundred times what it saves, and spins afterwards
        self.one_blas_thread = threadpool_limits(limits=1)
        refusal: Path | None = getattr(app.state, "refusal", None)
        if refusal is not None and self.runtime.live.current is None:
            reason = self.runtime.live.refusal[1] if self.runtime.live.refusal else "nothing is live"
            refusal.write_text(reason, encoding="utf-8")
            raise RuntimeError(f"no release could be loaded: {reason}")
        gc.collect()
        gc.freeze()
        gc.enable()
        gc.set_threshold(50_000, 20, 100)
        sys.setswitchinterval(SWITCH_S)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Stops the threads; acknowledged events are already durable."""
        self.runtime.close()

    def __is_ready__(self) -> bool:
        return self.runtime.live.current is not None


RecopsService.add_asgi_middleware(AccessMiddleware, labels=labels_of(app))  # type: ignore[attr-defined]


def make_asgi() -> Starlette:
    """The whole app for a worker of ours, without two middlewares of BentoML's that stand outside of the gate.

    Its time-out keeps a timer for each request until the time is over, also when the answer is long gone: memory for as
    many requests as come in that time. Its tracing decodes headers, and fails on some, though nothing is traced.
    """
    whole: Starlette = RecopsService.to_asgi(is_main=True)  # type: ignore[attr-defined]
    kept = [one for one in whole.user_middleware if getattr(one.cls, "__name__", "") not in UNUSED]
    whole.user_middleware = kept
    return whole
