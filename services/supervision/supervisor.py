"""The supervisor: owns the port, keeps workers alive, and lets those of another Bento take over when they are ready."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from types import FrameType

from features.errors import UserError
from features.settings import Settings
from models.release.code import code_of
from models.release.running import SUPERVISOR, Registration, running_services
from models.release.store import Release
from services.supervision.start_checks import bento_of, released
from services.supervision.workers import KILL_AFTER_S, Code, Workers

logger = logging.getLogger(__name__)

POLL_S = 0.5
TAKEOVER_S = 180.0
RETRY_S = 60.0
SPARE_AFTER_S = 10.0  # a spare worker is made when the others have had this long to answer undisturbed
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # of workers, whose products are small


class Supervisor:
    """Runs until SIGTERM, SIGINT or SIGHUP. Its workers share one listening socket, so that a takeover refuses and
    resets no connection: what the old ones no longer accept waits for the new ones."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        address: str,
        scratch: Path,
        environment: dict[str, str],
        working_tree: Path | None,
    ) -> None:
        self.settings, self.listener, self.scratch = settings, listener, scratch
        self.environment, self.working_tree = environment, working_tree
        self.registration = Registration(settings.home, role=SUPERVISOR, address=address)
        self._ended = False
        self._wake = threading.Event()
        self._all_loaded_since: float | None = None
        self._draining: list[tuple[Workers, float]] = []
        self._next: tuple[Workers, Release, float] | None = None
        self._refused, self._retry_at = ("", ""), 0.0
        self._unreadable = ""

    def prepare(self, release: Release) -> None:
        """Starts the workers, which import their code meanwhile; `run` lets them answer, or else `give_up` ends them.

        release: the one that is live at the start.
        """
        self.current = self._workers_of(release)
        self.current.prepare(self.settings.workers)

    def give_up(self) -> None:
        """Ends the prepared workers."""
        self.current.kill()

    def run(self) -> int:
        """Serves; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        signal.signal(signal.SIGCHLD, lambda *_: self._wake.set())  # a worker has ended
        self.registration.start()
        self.current.begin()
        try:
            while not self._ended:
                self._wake.wait(POLL_S)
                self._wake.clear()
                if not self._ended:
                    self._step()
        finally:
            self._stop()
        return 0

    def _step(self) -> None:
        """Checks the workers and the live pointer once."""
        self._collect_drained()
        if self._next is not None:
            self._watch_takeover()
        else:
            self.current.restart_ended()
            self._keep_spare()
        if self.working_tree is None and not self.settings.release:
            self._follow_pointer()

    def _keep_spare(self) -> None:
        """Starts a spare worker once all workers have loaded a release."""
        if not self.settings.spare_worker or not self.current.needs_spare():
            return
        loaded = {service.pid for service in running_services(self.settings.home) if service.release is not None}
        if not self.current.pids() <= loaded:
            self._all_loaded_since = None
        elif self._all_loaded_since is None:
            self._all_loaded_since = time.monotonic()
        elif time.monotonic() - self._all_loaded_since > SPARE_AFTER_S:
            self.current.start_spare()

    def _follow_pointer(self) -> None:
        """Begins a takeover when the live release needs other code than that which runs or is being started."""
        try:
            release = released(self.settings)
        except UserError as error:  # workers that try to load it say so too
            if str(error) != self._unreadable:
                logger.warning("%s", error)
            self._unreadable = str(error)
            return
        goal = self._next[0] if self._next else self.current
        if release.bento_tag is None or code_of(release.bento_tag) == code_of(goal.code.tag or ""):
            return
        if self._next is not None:  # another one was put live meanwhile
            self._abandon(None)
            return
        if self._refused[0] == release.release and time.monotonic() < self._retry_at:
            return
        try:
            workers = self._workers_of(release)
        except UserError as error:
            self._refuse(release.release, str(error))
            return
        logger.info("release=%s needs other code: starting %s", release.release, workers.code)
        workers.start(self.settings.workers, must_load=True)
        self._next = (workers, release, time.monotonic() + TAKEOVER_S)
        self._tell(starting=release.release)

    def _watch_takeover(self) -> None:
        """The new workers take over when all have loaded a release; otherwise they are stopped after a time limit."""
        assert self._next is not None
        workers, release, deadline = self._next
        loaded = {service.pid for service in running_services(self.settings.home) if service.release is not None}
        if reasons := workers.refusals():
            self._abandon(reasons[0])
        elif workers.pids() <= loaded:
            logger.info("release=%s: %s takes over; the old workers drain", release.release, workers.code)
            self._drain(self.current)
            self.current, self._next = workers, None
            self._refused = ("", "")
            self._tell(starting=None, refused={})
        elif time.monotonic() > deadline:
            self._abandon(f"its workers were not ready within {TAKEOVER_S:.0f} s")

    def _abandon(self, reason: str | None) -> None:
        """The workers that were to take over end; the running ones go on."""
        assert self._next is not None
        workers, release, _ = self._next
        self._next = None
        self._drain(workers)
        if reason is not None:
            self._refuse(release.release, reason)
        else:
            self._tell(starting=None)

    def _refuse(self, release: str, reason: str) -> None:
        """Logs why a release is not served, each reason once; it is tried again after a pause."""
        if (release, reason) != self._refused:
            logger.error("release=%s cannot be served: %s; still serving %s", release, reason, self.current.code)
        self._refused, self._retry_at = (release, reason), time.monotonic() + RETRY_S
        self._tell(starting=None, refused={release: reason})

    def _drain(self, workers: Workers) -> None:
        workers.drain()
        self._draining.append((workers, time.monotonic() + KILL_AFTER_S))

    def _collect_drained(self) -> None:
        for entry in list(self._draining):
            workers, deadline = entry
            if workers.all_ended() or time.monotonic() > deadline:
                workers.wait(deadline)
                self._draining.remove(entry)

    def _workers_of(self, release: Release) -> Workers:
        code = Code(self.working_tree) if self.working_tree else None
        if code is None:
            code = Code(bento_of(self.settings, release) / "src", release.bento_tag)
        return Workers(
            code=code, scratch=self.scratch, file_descriptor=self.listener.fileno(), environment=self.environment
        )

    def _tell(self, **changes: object) -> None:
        try:
            self.registration.update(**changes)
        except OSError as error:
            logger.warning("%s cannot be written: %s", self.registration.path, error)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ended = True
        self._wake.set()

    def _stop(self) -> None:
        """No new connections; what is under way ends, then the workers, then this process."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.listener.listen(0)  # those that wait are accepted, hardly any come after them
        leaving = [self.current, *(workers for workers, _ in self._draining)]
        leaving += [self._next[0]] if self._next else []
        for workers in leaving:
            workers.drain()
        self.listener.close()
        deadline = time.monotonic() + KILL_AFTER_S
        for workers in leaving:
            workers.wait(deadline)
        self.registration.remove()


def worker_environment(settings: Settings, scratch: Path, environment: dict[str, str]) -> dict[str, str]:
    """What workers get: the settings with absolute paths, and folders of this server's own for what BentoML writes."""
    absolute = {"RECOPS_HOME": str(settings.home)}
    if settings.release and os.sep in settings.release:
        absolute["RECOPS_RELEASE"] = str(Path(settings.release).absolute())
    metrics = scratch / "metrics"
    metrics.mkdir(exist_ok=True)
    folders = {"BENTOML_HOME": str(scratch / "bentoml"), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    return {**ONE_THREAD, **environment, **absolute, **folders}
