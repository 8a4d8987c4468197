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
SPARE_PAUSE_S = 60.0  # between two starts of a spare worker that ends by itself
GATE = "SERVING_GATE"  # in a worker's environment: the file descriptor on which it waits, its code imported


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
    """The worker processes of one code version, as many as the settings say.

    spare: one more, which has done all that a start takes but for loading the release, and takes the place of one that
    ends.
    """

    code: Code
    scratch: Path
    file_descriptor: int
    environment: dict[str, str]
    running: list[Worker] = field(default_factory=list)
    spare: Worker | None = None
    _gate: int | None = None

    def start(self, n_workers: int, *, must_load: bool) -> None:
        """Starts all of them. must_load: one that cannot load a release ends instead of answering 503."""
        self.running = [self._start(number, must_load) for number in range(1, n_workers + 1)]

    def prepare(self, n_workers: int) -> None:
        """Starts all of them behind a gate: they import their code, and touch nothing before `begin`."""
        waits, self._gate = os.pipe()
        try:
            self.running = [self._start(number, False, gate=waits) for number in range(1, n_workers + 1)]
        finally:
            os.close(waits)

    def begin(self) -> None:
        """Lets the prepared workers load their release and answer."""
        assert self._gate is not None
        with contextlib.suppress(BrokenPipeError):  # all have ended
            os.write(self._gate, b"." * len(self.running))
        self._close_gate()

    def _close_gate(self) -> None:
        if self._gate is not None:
            os.close(self._gate)
            self._gate = None

    def kill(self) -> None:
        """Ends them at once."""
        self._close_gate()
        for worker in self.running:
            worker.process.kill()
            worker.process.wait()

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
            self.running[position] = self._from_spare(worker.number) or self._start(worker.number, must_load=False)
            self.running[position].n_short_lives = n_short

    def needs_spare(self) -> bool:
        """Whether there is no spare worker, and it is time to start one."""
        if self.spare is None:
            return True
        ended = self.spare.process.poll() is not None
        return ended and time.monotonic() - self.spare.started > SPARE_PAUSE_S

    def start_spare(self) -> None:
        self.spare = self._start(0, must_load=False, spare=True)

    def _from_spare(self, number: int) -> Worker | None:
        """The spare worker, told to answer as a numbered one; None: there is none."""
        spare, self.spare = self.spare, None
        if spare is None or spare.process.poll() is not None or spare.process.stdin is None:
            return None
        try:
            spare.process.stdin.write(f"{number}\n".encode())
            spare.process.stdin.close()
        except OSError:
            return None
        return Worker(number=number, process=spare.process, started=time.monotonic(), refusal=spare.refusal)

    def refusals(self) -> list[str]:
        """Why workers ended, a sentence each."""
        reasons = []
        for worker in self.running:
            if (status := worker.process.poll()) is not None:
                reason = worker.refusal.read_text(encoding="utf-8").strip() if worker.refusal.is_file() else ""
                reasons.append(reason or f"its worker ended with {status} before it could answer; the log says why")
        return reasons

    def drain(self) -> None:
        """Asks all of them to end what they are answering, and then themselves; the spare one ends at once."""
        if self.spare is not None:
            self.spare.process.kill()
            self.spare.process.wait()
            self.spare = None
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

    def _start(self, number: int, must_load: bool, *, spare: bool = False, gate: int | None = None) -> Worker:
        refusal = self.scratch / f"refusal-{number}-{time.monotonic_ns()}.txt"
        command = [sys.executable, "-m", "services.worker", "--fd", str(self.file_descriptor)]
        command += ["--number", str(number), "--parent", str(os.getpid())]
        command += ["--must-load", str(refusal)] if must_load else []
        command += ["--spare"] if spare else []
        process = subprocess.Popen(
            command,
            cwd=self.code.folder,
            env={**self.environment, "PYTHONPATH": str(self.code.folder)} | ({GATE: str(gate)} if gate else {}),
            stdin=subprocess.PIPE if spare else subprocess.DEVNULL,
            pass_fds=(self.file_descriptor, *([gate] if gate else [])),
            start_new_session=True,  # a Ctrl+C of the terminal reaches the supervisor alone
        )
        return Worker(number=number, process=process, started=time.monotonic(), refusal=refusal)
