"""Values change in the text of params.yaml; comments, columns and choices by profile stay."""

from __future__ import annotations

import subprocess

import pytest
from ruamel.yaml import YAML

from features.errors import UserError
from flows.project.params_file import edited, unified_diff

BEFORE = """\
profile: default             # first line
retrievers:                  # in use
  ease:
    regularization: 300      # higher trusts rare items less
    half_life_days: 90       # as above
  text: {}
  popular:
  trending: {recent_days: 3}   # inline
  sequence:
    epochs: {quick: 0, default: 10}   # times
    dropout: 0.2
retrieve:
  k: 100
"""


def test_a_value_changes_and_its_comment_keeps_its_column():
    after = edited(BEFORE, {"retrievers.ease.regularization": 1250.0}, "default")
    assert after == BEFORE.replace("regularization: 300      #", "regularization: 1250     #")


def test_a_choice_by_profile_changes_for_the_profile_alone():
    changes = {"retrievers.sequence.epochs": 12}
    assert "epochs: {quick: 0, default: 12}   # times\n" in edited(BEFORE, changes, "default")
    assert "epochs: {quick: 0, default: 10, best: 12} # times\n" in edited(BEFORE, changes, "best")


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("ease.text_weight", 0.5, "    half_life_days: 90       # as above\n    text_weight: 0.5\n  text: {}\n"),
        ("ease.half_life_days", None, "    half_life_days: null     # as above\n"),
        ("text.half_life_days", 30.0, "  text: {half_life_days: 30}\n"),
        ("popular.half_life_days", 2.5, "  popular: {half_life_days: 2.5}\n"),
        ("trending.decay", True, "  trending: {recent_days: 3, decay: true} # inline\n"),
        ("sequence.embedding_size", 32, "    dropout: 0.2\n    embedding_size: 32\nretrieve:\n"),
    ],
)
def test_a_key_is_added_in_the_manner_of_its_section(path, value, line):
    after = edited(BEFORE, {f"retrievers.{path}": value}, "default")
    assert line in after
    wanted = YAML(typ="safe").load(BEFORE)
    section, key = path.split(".")
    wanted["retrievers"][section] = {**(wanted["retrievers"][section] or {}), key: value}
    assert YAML(typ="safe").load(after) == wanted


def test_a_section_that_is_not_there_is_named():
    with pytest.raises(UserError, match="no section 'als' of 'retrievers.als.embedding_size'"):
        edited(BEFORE, {"retrievers.als.embedding_size": 32}, "default")


@pytest.mark.parametrize("end", ["\n", ""])
def test_git_applies_the_diff(tmp_path, end):
    before = BEFORE.rstrip("\n") + end
    after = edited(before, {"retrieve.depth": 50, "retrievers.ease.regularization": 20.0}, "default")
    (tmp_path / "params.yaml").write_text(before)
    (tmp_path / "params.diff").write_text(unified_diff(before, after))
    subprocess.run(["git", "apply", "params.diff"], cwd=tmp_path, check=True)
    assert (tmp_path / "params.yaml").read_text() == after
