"""dvc.lock: writes one stage's entry atomically, as DVC would format it, and repairs the file after a kill.

DVC reads and writes the whole file anew after each stage, every value of every stage through a YAML round trip that
takes about a second of processor, and in place, so that a kill can leave half of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.files import write_text

LOCK_FILE = "dvc.lock"
KEPT = Path(".dvc/tmp/recops-dvc.lock")
HEAD = "schema: '2.0'\nstages:\n"


@contextmanager
def entries_put_in_place() -> Iterator[None]:
    """Within the block DVC writes a stage's entry by `with_entry` where the file's text allows it."""
    from dvc.dvcfile import Lockfile
    from dvc.stage import serialize

    by_dvc = Lockfile.dump_stages

    def dump_stages(lockfile: Any, stages: list[Any], **options: Any) -> None:
        path = Path(lockfile.path)
        before = path.read_text(encoding="utf-8") if path.is_file() else HEAD
        text: str | None = before
        for stage in stages:
            (entry,) = serialize.to_lockfile(stage, **options).items()
            text = text and with_entry(text, *entry)
        if text is None:
            by_dvc(lockfile, stages, **options)
            return
        if text != before:
            write_text(text, path)
            lockfile.repo.scm_context.track_file(lockfile.relpath)

    Lockfile.dump_stages = dump_stages
    try:
        yield
    finally:
        Lockfile.dump_stages = by_dvc


def with_entry(text: str, name: str, entry: Any) -> str | None:
    """The lock file's text with one stage's entry set, new ones last; None for a text that is not as DVC writes it."""
    from dvc.utils.serialize import dumps_yaml

    block = dumps_yaml({"stages": {name: entry}}).removeprefix("stages:\n")
    if not text.startswith(HEAD) or not text.endswith("\n"):
        return None
    body = text[len(HEAD) :]
    blocks = re.split(r"^(?=  [^ \n])", body, flags=re.MULTILINE)
    if blocks.pop(0) or body and re.search(r"^(?!  )|^ *#", body[:-1], flags=re.MULTILINE):
        return None
    key = block.partition("\n")[0]
    places = [number for number, there in enumerate(blocks) if there.partition("\n")[0] == key]
    if len(places) > 1:
        return None
    if places:
        blocks[places[0]] = block
    else:
        blocks.append(block)
    return HEAD + "".join(blocks)


def keep_copy(root: Path) -> None:
    """A copy of dvc.lock: DVC alone writes it in place, so that a kill of `dvc repro` may leave half of it."""
    lock, kept = root / LOCK_FILE, root / KEPT
    if lock.is_file():
        text = lock.read_text(encoding="utf-8")
        if not kept.is_file() or kept.read_text(encoding="utf-8") != text:
            write_text(text, kept)


def mend(root: Path) -> None:
    """Restores the copy of a dvc.lock that a kill left incomplete."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    lock, kept = root / LOCK_FILE, root / KEPT
    if not lock.is_file() or not kept.is_file():
        return
    try:
        whole = isinstance(YAML(typ="safe").load(lock.read_text(encoding="utf-8")), dict)
    except (YAMLError, UnicodeDecodeError):
        whole = False
    if not whole:
        write_text(kept.read_text(encoding="utf-8"), lock)
