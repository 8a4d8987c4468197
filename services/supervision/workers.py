"""Worker processes of one code version, from a Bento or the working tree, on the supervisor's socket."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

DRAIN_S = 30  # a request under way has this long to end
KILL_AFTER_S = DRAIN_S + 5
LONG_LIVED_S = 30.0
MOST_PAUSE_S = 15.0


@dataclass(frozen=True)
class Code:
    """Where workers take their code from; tag: of the Bento, None for the working tree."""

    folder: Path
    tag: str | None = None

    def __str__(self) -> str:
        return f"Bento {self.tag}" if self.tag else f"working tree {self.folder}"


@dataclass(kw_only=True)
class Worker:
    """One process; refusal: the file in which it says why it ended before it could answer."""

    number: int
    process: subprocess.Popen[bytes]
    started: float
    refusal: Path
    n_short_lives: int = 0


@dataclass(kw_only=True)
class Workers:
    """The worker processes of one code version, as many as the settings say."""

    code: Code
    scratch: Path
    file_descriptor: int
    environment: dict[str, str]
    running: list[Worker] = field(default_factory=list)

    def start(self, n_workers: int, *, must_load: bool) -> None:
        """Starts all of them. must_load: one that cannot load a release ends instead of answering 503."""
        self.running = [self._start(number, must_load) for number in range(1, n_workers + 1)]

    def pids(self) -> set[int]:
        return {worker.process.pid for worker in self.running}

    def restart_ended(self) -> None:
        """Restarts workers that ended by themselves: at once, or after a growing pause when they end soon."""
        for position, worker in enumerate(self.running):
            status = worker.process.poll()
            if status is None:
                continue
            age = time.monotonic() - worker.started
            n_short = worker.n_short_lives + 1 if age < LONG_LIVED_S else 0
            if age < min(2.0**worker.n_short_lives - 1, MOST_PAUSE_S):
                continue
            logger.error("worker=%d pid=%d ended with %d: started again", worker.number, worker.process.pid, status)
            self.running[position] = self._start(worker.number, must_load=False)
            self.running[position].n_short_lives = n_short

    def refusals(self) -> list[str]:
        """Why workers ended, a sentence each."""
        reasons = []
        for worker in self.running:
            if (status := worker.process.poll()) is not None:
                reason = worker.refusal.read_text(encoding="utf-8").strip() if worker.refusal.is_file() else ""
                reasons.append(reason or f"its worker ended with {status} before it could answer; the log says why")
        return reasons

    def drain(self) -> None:
        """Asks all of them to end what they are answering, and then themselves."""
        for worker in self.running:
            with contextlib.suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGTERM)

    def wait(self, deadline: float) -> None:
        """Waits for the end of all of them; those still running after `deadline` are killed."""
        for worker in self.running:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning("pid=%d did not end within %d s: killed", worker.process.pid, KILL_AFTER_S)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(worker.process.pid, signal.SIGKILL)
                worker.process.wait()

    def all_ended(self) -> bool:
        return all(worker.process.poll() is not None for worker in self.running)

    def _start(self, number: int, must_load: bool) -> Worker:
        refusal = self.scratch / f"refusal-{number}-{time.monotonic_ns()}.txt"
        command = [sys.executable, "-m", "services.worker", "--fd", str(self.file_descriptor)]
        command += ["--number", str(number), "--parent", str(os.getpid())]
        command += ["--must-load", str(refusal)] if must_load else []
        process = subprocess.Popen(
            command,
            cwd=self.code.folder,
            env={**self.environment, "PYTHONPATH": str(self.code.folder)},
            stdin=subprocess.DEVNULL,
            pass_fds=(self.file_descriptor,),
            start_new_session=True,  # a Ctrl+C of the terminal reaches the supervisor alone
        )
        return Worker(number=number, process=process, started=time.monotonic(), refusal=refusal)
