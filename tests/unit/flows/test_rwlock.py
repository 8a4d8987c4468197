"""DVC's rwlock: dead holders and what is not in DVC's form hold nothing."""

from __future__ import annotations

import json
import os

import pytest

from flows.project.running.rwlock import free_rwlock, held_by_living


@pytest.mark.parametrize("content", ["[]", "null", '{"read": 5}', '{"write": {"a": 3}}', "{", '{"write": {"a": {}}}'])
def test_what_is_not_in_the_form_of_dvc_is_removed(content, tmp_path):
    rwlock = tmp_path / ".dvc" / "tmp" / "rwlock"
    rwlock.parent.mkdir(parents=True)
    rwlock.write_text(content)
    free_rwlock(tmp_path)
    assert not rwlock.exists()


def test_a_living_process_of_dvc_keeps_it(tmp_path):
    rwlock = tmp_path / "rwlock"
    rwlock.write_text(json.dumps({"read": {"data": [{"pid": 2**30, "cmd": "dvc repro"}]}, "write": {}}))
    assert not held_by_living(rwlock)
    rwlock.write_text(json.dumps({"write": {"data": {"pid": os.getpid(), "cmd": "dvc repro"}}, "read": {}}))
    assert not held_by_living(rwlock)  # ours: DVC lets the same process go on
