"""The live line on a real (pseudo) terminal: it is drawn and taken away, and lines that stay stand above it."""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
RUN = """
import logging, time
from flows.project.run_events import RunStarted, StageEnded, StageStarted
from flows.terminal.run_display import RunDisplay
from flows.terminal.screen import ScreenHandler
logging.basicConfig(handlers=[ScreenHandler()], format="%(message)s")
with RunDisplay() as display:
    display(RunStarted(("ingest", "split"), ("split",)))
    display(StageEnded("ingest", 0.0, "skipped"))
    display(StageStarted("split", 2, 2, 3.0))
    time.sleep(0.8)
    logging.warning("a warning meanwhile")
    display(StageEnded("split", 0.84, "ran"))
"""
ACTIVITY = """
import logging, time
from flows.terminal.activity import activity
with activity("releasing"):
    logging.getLogger("flows").setLevel(logging.INFO)
    logging.getLogger("flows.release").info("building the Bento")
    time.sleep(0.8)
print("released")
"""


def on_a_terminal(code: str, **env: str) -> str:
    """Everything that a program writes to a terminal of 100 columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        kept = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        kept |= {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"} | env
        os.execve(sys.executable, [sys.executable, "-c", code], kept)
    written = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # the program has ended
            break
        if not more:
            break
        written += more
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, written.decode()
    os.close(terminal)
    return written.decode()


def left_on_the_screen(written: str) -> list[str]:
    """The lines that stay: what was erased or written over is gone."""
    lines = [""]
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if piece == "\n":
            lines.append("")
        elif piece == "\x1b[2K":
            lines[-1] = ""
        elif piece.endswith("A") and piece.startswith("\x1b["):
            lines = lines[: -int(piece[2:-1] or 1)] or [""]
        elif not piece.startswith("\x1b") and piece != "\r":
            lines[-1] = piece
    return [line for line in lines if line.strip()]


def test_the_line_is_drawn_and_only_what_was_done_stays() -> None:
    written = on_a_terminal(RUN)
    assert "[2/2] split … 0 s (about 3.0 s)  1 up to date" in written
    assert left_on_the_screen(written) == [
        "a warning meanwhile",
        "✓ [2/2] split  0.8 s",
        "✓ 1 stage was up to date",
    ]
    assert "\x1b[32m" in written


def test_no_color_is_respected() -> None:
    written = on_a_terminal(RUN, NO_COLOR="1")
    assert "\x1b[32m" not in written and "[2/2] split … 0 s" in written


def test_other_commands_show_the_newest_line_of_their_log() -> None:
    written = on_a_terminal(ACTIVITY)
    assert "releasing … 0 s  building the Bento" in written
    assert left_on_the_screen(written) == ["released"]
