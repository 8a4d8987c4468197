"""The display of a run: one live line where a person watches, else one line for each stage that ran."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flows.project.run_events import RunEvent, RunStarted, StageEnded, StageLine, StageStarted
from flows.terminal.screen import duration, screen, watched

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

LAST_LINES = 15  # of a stage that failed
TICK, CROSS, DASH = "✓", "✗", "–"


class RunDisplay:
    """Listens to a run and shows where it is.

    verbose: every line of every stage is printed as it comes; silent: nothing is printed but which stage failed.
    """

    def __init__(self, *, verbose: bool = False, silent: bool = False, clock: Callable[[], float] = time.monotonic):
        self._verbose, self._silent, self._clock = verbose, silent, clock
        self._live: Live | None = None
        self._stage: StageStarted | None = None
        self._started = 0.0
        self._n_stages = self._n_skipped = 0
        self.n_ran = 0
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._failed = ""  # place, name and time of the stage that ended last, when it failed

    def __enter__(self) -> Self:
        if watched() and not self._silent:
            from rich.live import Live

            self._live = Live(
                console=screen(), get_renderable=self.line, refresh_per_second=4, transient=True, redirect_stdout=False
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._failed:
            self._print_failure(error)
        if self._n_skipped and not self._silent:
            stages = "1 stage was" if self._n_skipped == 1 else f"{self._n_skipped} stages were"
            self._print(f"{TICK} {stages} up to date", "dim")

    def __call__(self, event: RunEvent) -> None:
        """Takes an event of flows/project/run_events.py."""
        match event:
            case RunStarted(names=names):
                self._n_stages, self._n_skipped = len(names), 0
            case StageStarted():
                if self._failed:
                    self._print(f"{CROSS} {self._failed}; it was killed, and is tried once more", "red")
                self._stage, self._started, self._failed = event, self._clock(), ""
                self._lines.clear()
            case StageLine(text=text):
                self._lines.append(text)
                if self._verbose and not self._silent:
                    self._print(text)
            case StageEnded(outcome="skipped"):
                self._n_skipped += 1
            case StageEnded():
                self._end(event)

    def line(self) -> Text:
        """The live line: `[ 9/33] train_retriever@als … 12 s (about 40 s)`."""
        from rich.text import Text

        skipped = f"  {self._n_skipped} up to date" if self._n_skipped else ""
        if self._stage is None:
            where = "looking for the next stage" if self._n_stages else "preparing the run"
            return Text(f"  {where} …{skipped}", style="cyan", no_wrap=True, overflow="ellipsis")
        seconds = self._clock() - self._started
        usual = self._stage.expected_seconds
        estimate = f" (about {duration(usual)})" if usual else ""
        line = f"{_place(self._stage)} {self._stage.name} … {duration(seconds, whole=True)}{estimate}{skipped}"
        return Text(f"  {line}", style="cyan", no_wrap=True, overflow="ellipsis")

    def _end(self, event: StageEnded) -> None:
        stage, self._stage = self._stage, None
        position = f"{_place(stage)} " if stage else ""
        if event.outcome == "ran":
            self.n_ran += 1
            if not self._silent:
                self._print(f"{TICK} {position}{event.name}  {duration(event.seconds)}", "green")
            return
        self._failed = f"{position}{event.name}  ended after {duration(event.seconds)}"

    def _print_failure(self, error: BaseException | None) -> None:
        """The stage that failed, and its last lines unless the error says what they say."""
        if isinstance(error, KeyboardInterrupt):
            self._print(f"{DASH} {self._failed}, stopped", "yellow")
            return
        self._print(f"{CROSS} {self._failed}, failed", "red")
        message = " ".join(str(error).split())
        last = next((" ".join(line.split()) for line in reversed(self._lines) if line.strip()), "")
        if not self._verbose and last not in message:
            for text in self._lines:
                self._print(f"    {text}", "dim")

    def _print(self, text: str, style: str = "") -> None:
        screen().print(text, style=style or None, soft_wrap=True)


def _place(stage: StageStarted) -> str:
    width = len(str(stage.n_stages))
    return f"[{stage.number:>{width}}/{stage.n_stages}]"
