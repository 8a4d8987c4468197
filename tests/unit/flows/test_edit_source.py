"""Editing params.yaml: only section `source` changes, comments and everything else stay to the byte."""

from __future__ import annotations

from flows.project.dataset import Project
from flows.project.params_file import edit_source

BEFORE = """\
# first line
source:                      # written by an import
  name: simulator            # where from
  input: features/x.py   # what
  simulator:
    seed: 1   # another world
split:
  scheme: global_time  # keep me
"""


def test_values_change_and_comments_stay(tmp_path):
    (tmp_path / "params.yaml").write_text(BEFORE)
    assert edit_source(Project(tmp_path), {"name": "movielens", "input": "data/raw"})
    after = (tmp_path / "params.yaml").read_text()
    assert after == BEFORE.replace("name: simulator ", "name: movielens ").replace(
        "input: features/x.py   #", "input: data/raw        #"
    )


def test_a_new_key_goes_into_the_section(tmp_path):
    (tmp_path / "params.yaml").write_text(BEFORE)
    edit_source(Project(tmp_path), {"line": "abc"})
    assert "    seed: 1   # another world\n  line: abc\nsplit:" in (tmp_path / "params.yaml").read_text()


def test_nothing_to_change_writes_nothing(tmp_path):
    (tmp_path / "params.yaml").write_text(BEFORE)
    assert not edit_source(Project(tmp_path), {"name": "simulator"})
    assert (tmp_path / "params.yaml").read_text() == BEFORE


def test_a_number_like_text_stays_text(tmp_path):
    (tmp_path / "params.yaml").write_text(BEFORE)
    edit_source(Project(tmp_path), {"name": "123"})
    assert "name: '123'" in (tmp_path / "params.yaml").read_text()
