"""Files are replaced whole or not at all, and a lock is held by one process at a time, killed ones included."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.files import locked, replacing, write_text

ROOT = Path(__file__).parents[3]
HOLDER = (
    "import sys, time; from pathlib import Path; from features.files import locked\n"
    "with locked(Path(sys.argv[1]), RuntimeError):\n"
    "    print('held', flush=True); time.sleep(60)\n"
)


class BusyError(Exception):
    pass


@pytest.fixture
def holder(tmp_path):
    """Another process that holds `tmp_path / lock`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_file_is_replaced_when_the_block_ends(tmp_path):
    path = tmp_path / "deep" / "file"
    write_text("old", path)
    with replacing(path) as scratch:
        scratch.write_bytes(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_block_that_fails_changes_nothing_and_leaves_nothing(tmp_path):
    path = tmp_path / "file"
    write_text("old", path)
    with pytest.raises(BusyError), replacing(path) as scratch:
        scratch.write_bytes(b"half")
        raise BusyError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_held_lock_is_refused_with_its_holder(tmp_path, holder):
    with pytest.raises(BusyError, match=f"^{holder.pid}$"), locked(tmp_path / "lock", BusyError):
        pass


def test_a_lock_is_waited_for(tmp_path, holder):
    started = time.monotonic()
    with pytest.raises(BusyError), locked(tmp_path / "lock", BusyError, wait_s=0.3, poll_s=0.01):
        pass
    assert time.monotonic() - started >= 0.3


def test_a_killed_holder_holds_it_no_longer(tmp_path, holder):
    holder.kill()
    holder.wait()
    with locked(tmp_path / "lock", BusyError, wait_s=5):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_lock_may_be_held_without_a_note(tmp_path):
    with locked(tmp_path / "lock", BusyError, note=False):
        assert (tmp_path / "lock").read_text() == ""
    with locked(tmp_path / "lock", BusyError):
        pass
