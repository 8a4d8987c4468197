"""Processes under /proc: processor time, and memory that they hold alone or share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """MB: private (USS: what ends with the process), proportional (PSS: shared pages divided among their holders) and
    resident."""

    uss: float
    pss: float
    rss: float


def processor_seconds(pids: Iterable[int]) -> float:
    """Time of the processor that living processes have taken, user and system, all threads."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_of(pid: int) -> Memory:
    """The memory of one process."""
    kilobytes: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        kilobytes[name] = int(value.split()[0])
    uss = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    return Memory(uss / 1024, kilobytes["Pss"] / 1024, kilobytes["Rss"] / 1024)


def mapped_below(pid: int, folders: Iterable[Path]) -> tuple[float, float]:
    """MB (proportional, resident) of the files below some folders that a process maps."""
    prefixes = tuple(f"{folder.resolve()}/" for folder in folders)
    pss = rss = 0
    counted = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            counted = len(words) > 5 and " ".join(words[5:]).startswith(prefixes)
        elif counted and words[0] == "Pss:":
            pss += int(words[1])
        elif counted and words[0] == "Rss:":
            rss += int(words[1])
    return pss / 1024, rss / 1024


def command_of(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""
