"""The display of a run: one line for each stage that ran, one for all that is up to date, and why a stage failed."""

from __future__ import annotations

import pytest

from features.errors import RefusedError, UserError
from flows.project.run_events import RunStarted, StageEnded, StageLine, StageStarted
from flows.terminal.run_display import RunDisplay
from flows.terminal.screen import duration

NAMES = ("ingest", "split", "train_retriever@als", "decide")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def play(display: RunDisplay) -> None:
    """Two stages are up to date, two run."""
    with display:
        display(RunStarted(NAMES, NAMES[2:]))
        display(StageEnded("ingest", 0.0, "skipped"))
        display(StageEnded("split", 0.0, "skipped"))
        for number, name, seconds in ((3, NAMES[2], 12.4), (4, NAMES[3], 0.31)):
            display(StageStarted(name, number, 4, None))
            display(StageLine(name, f"a line of {name}"))
            display(StageEnded(name, seconds, "ran"))


def test_without_a_terminal_each_stage_that_ran_is_one_line(capsys):
    display = RunDisplay()
    play(display)
    assert capsys.readouterr().err.splitlines() == [
        "✓ [3/4] train_retriever@als  12 s",
        "✓ [4/4] decide  0.3 s",
        "✓ 2 stages were up to date",
    ]
    assert display.n_ran == 2


def test_verbose_prints_the_lines_of_the_stages_too(capsys):
    play(RunDisplay(verbose=True))
    lines = capsys.readouterr().err.splitlines()
    assert lines.index("a line of decide") == lines.index("✓ [4/4] decide  0.3 s") - 1


def test_silent_prints_nothing_but_a_failure(capsys):
    play(RunDisplay(silent=True))
    assert capsys.readouterr().err == ""


def fail(display: RunDisplay, error: BaseException) -> None:
    """One stage runs, the next one writes 40 lines and fails; the run then raises."""
    with pytest.raises(type(error)), display:
        display(StageStarted("split", 1, 2, None))
        display(StageLine("split", "of another stage"))
        display(StageEnded("split", 1.0, "ran"))
        display(StageStarted("clean", 2, 2, None))
        for number in range(40):
            display(StageLine("clean", f"line {number}"))
        display(StageEnded("clean", 3.0, "failed"))
        raise error


def test_a_stage_that_ended_without_a_word_shows_its_own_last_lines(capsys):
    fail(RunDisplay(silent=True), RefusedError("stage 'clean' ended without a word"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["✗ [2/2] clean  ended after 3.0 s, failed", *(f"    line {number}" for number in range(25, 40))]


def test_what_the_error_says_is_not_said_twice(capsys):
    fail(RunDisplay(silent=True), UserError("a rule failed:\nline 38\nline 39"))
    assert capsys.readouterr().err.splitlines() == ["✗ [2/2] clean  ended after 3.0 s, failed"]


def test_a_stage_that_a_person_stopped_has_not_failed(capsys):
    fail(RunDisplay(silent=True), KeyboardInterrupt())
    assert capsys.readouterr().err.splitlines() == ["– [2/2] clean  ended after 3.0 s, stopped"]


def test_a_stage_that_was_killed_and_is_tried_again_is_told(capsys):
    display = RunDisplay(silent=True)
    with display:
        for outcome in ("failed", "ran"):
            display(StageStarted("clean", 2, 2, None))
            display(StageEnded("clean", 3.0, outcome))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["✗ [2/2] clean  ended after 3.0 s; it was killed, and is tried once more"]
    assert display.n_ran == 1


def test_the_live_line_tells_place_stage_time_and_the_estimate():
    clock = Clock()
    display = RunDisplay(clock=clock)
    assert "preparing the run" in display.line().plain
    display(RunStarted(tuple(f"stage{number}" for number in range(33)), ()))
    display(StageEnded("stage0", 0.0, "skipped"))
    assert "looking for the next stage …  1 up to date" in display.line().plain
    display(StageStarted("train_retriever@als", 9, 33, 41.2))
    clock.now += 12.7
    assert display.line().plain == "  [ 9/33] train_retriever@als … 12 s (about 41 s)  1 up to date"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.7, "1 min 00 s"), (256, "4 min 16 s"), (3725, "1 h 02 min")],
)
def test_times_are_written_as_people_read_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
