"""Side encoder: the process that encodes texts, one a home: whichever worker holds the lock runs it."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from features.arrays import Float32
from features.catalogue_changes.text_store import TextStore
from features.files import locked

logger = logging.getLogger(__name__)

BATCH = 32
PAUSE_S = 0.05  # between two looks into the queue
RESTARTS = 3


class _HeldError(Exception):
    """Another worker runs the encoder."""


class SideEncoder:
    """Takes texts from the queue to the process and their vectors back, in a thread of its own.

    Several workers may start one; all but the one that holds the lock wait for it to end, and then take its place.
    """

    def __init__(self, store: TextStore, home: Path, encoder: str = "") -> None:
        self.fault: str | None = None
        self._store, self._lock_path, self._encoder = store, home / "item-encoder.lock", encoder
        self._ended = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on the queue is served."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="item-encoder", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._process is not None:
            self._process.kill()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                try:
                    with locked(self._lock_path, _HeldError, note=False):
                        self._serve()
                    return
                except _HeldError:
                    self._ended.wait(1.0)
        except Exception as error:
            self.fault = f"the encoder of new items has stopped ({type(error).__name__}: {error})"
            logger.exception("%s", self.fault)

    def _serve(self) -> None:
        for _ in range(RESTARTS):
            if self._ended.is_set() or not self._start_process():
                return
            while not self._ended.is_set():
                waiting = self._store.waiting(BATCH)
                if not waiting:
                    self._ended.wait(PAUSE_S)
                elif not self._encode(waiting):
                    break  # it ended: another one takes over
        if not self._ended.is_set():
            self.fault = "the encoder of new items ended again and again; new items have no text vector"

    def _start_process(self) -> bool:
        """Starts the process and waits until its encoder is loaded; False with a fault where that fails."""
        command = [sys.executable, "-m", "models.language.side_process", "--encoder", self._encoder]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).resolve().parents[3],
        )
        answer = self._read()
        if answer is None or "ready" not in answer:
            why = (answer or {}).get("fault") or "it ended while it was loaded"
            self.fault = f"no encoder for new items: {why}"
            logger.warning("%s", self.fault)
            return False
        self.fault = None
        return True

    def _encode(self, waiting: list[tuple[str, str]]) -> bool:
        """False when the process has ended."""
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"texts": [text for _, text in waiting]}) + "\n")
            self._process.stdin.flush()
        except OSError:
            return False
        answer = self._read()
        if answer is None:
            return False
        keys = [key for key, _ in waiting]
        if "fault" in answer:
            if len(waiting) > 1:  # one of them: find out which
                return all(self._encode([one]) for one in waiting)
            self._store.refuse(keys, str(answer["fault"]))
            return True
        rows: Float32 = np.frombuffer(base64.b64decode(str(answer["vectors"])), dtype=np.float32)
        self._store.put(dict(zip(keys, rows.reshape(-1, int(str(answer["size"]))), strict=True)))
        return True

    def _read(self) -> dict[str, object] | None:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return dict(json.loads(line))
        except ValueError:
            return None
