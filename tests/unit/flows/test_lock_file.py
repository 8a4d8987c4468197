"""dvc.lock with one entry put in place: the very text that DVC would write, or left to DVC."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc.utils.serialize import loads_yaml, modify_yaml

from flows.project.running.lock_file import HEAD, KEPT, keep_copy, mend, with_entry

ROOT = Path(__file__).parents[3]
COMMITTED = (ROOT / "dvc.lock").read_text(encoding="utf-8")
STAGES = loads_yaml(COMMITTED)["stages"]
NEW = {
    "cmd": "python -m flows.stages.train_retriever --of 'a name: with # signs' " + "long " * 30,
    "deps": [{"path": "data/ä", "hash": "md5", "md5": "0" * 32, "size": 12, "nfiles": 3}],
    "params": {
        "params.yaml": {"a": 1e-05, "b": None, "c": [1, "2", {"d": True}], "e": {}, "f": "yes", "g": "multi\nline"}
    },
}


def by_dvc(path: Path, text: str, name: str, entry: object) -> str:
    path.write_text(text, encoding="utf-8")
    with modify_yaml(str(path)) as data:
        data["stages"].update({name: entry})
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [next(iter(STAGES)), "train_retriever@als", list(STAGES)[-1], "new@stage"])
def test_it_is_what_dvc_writes(tmp_path, name):
    assert with_entry(COMMITTED, name, NEW) == by_dvc(tmp_path / "dvc.lock", COMMITTED, name, NEW)


def test_an_entry_as_it_stands_changes_no_byte():
    for name, entry in STAGES.items():
        assert with_entry(COMMITTED, name, entry) == COMMITTED


def test_the_first_entry_of_a_new_file():
    assert loads_yaml(with_entry(HEAD, "ingest", NEW)) == {"schema": "2.0", "stages": {"ingest": NEW}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schema: '2.0'\n",
        HEAD + "  ingest:\n    cmd: x\n  # by hand\n",
        HEAD + "  ingest:\n    cmd: x\ndatasets: []\n",
        HEAD + "  ingest:\n    cmd: x",
        HEAD + "  ingest:\n    cmd: x\n  ingest:\n    cmd: y\n",
        "# by hand\n" + COMMITTED,
    ],
)
def test_a_text_that_dvc_did_not_write_is_left_to_dvc(text):
    assert with_entry(text, "ingest", NEW) is None


def test_half_a_file_is_replaced_by_the_copy_and_a_whole_one_never(tmp_path):
    lock = tmp_path / "dvc.lock"
    lock.write_text(COMMITTED)
    keep_copy(tmp_path)
    assert (tmp_path / KEPT).read_text() == COMMITTED
    newer = with_entry(COMMITTED, "ingest", NEW)
    lock.write_text(newer)
    mend(tmp_path)
    assert lock.read_text() == newer
    lock.write_text(newer[: len(newer) // 2] + "\n  - {")
    mend(tmp_path)
    assert lock.read_text() == COMMITTED
