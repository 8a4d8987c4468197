"""What a machine chooses for null and `auto` is recorded; a stage that would choose otherwise stops and names both."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import UserError
from models.compute import precision
from models.compute.resolved import Resolved, check_encoder, check_precision, read_resolved, write_resolved

PATH = Path("data/resolved.json")


def recorded(exact: str = "bfloat16") -> Resolved:
    return Resolved(encoder="small", encoder_sha256="a" * 64, precision=exact)


@pytest.mark.parametrize(("there", "here", "has"), [("bfloat16", "float32", False), ("float32", "bfloat16", True)])
def test_another_precision_stops_and_both_are_named(there, here, has, monkeypatch):
    monkeypatch.setattr(precision, "_has_bfloat16", lambda: has)
    with pytest.raises(UserError) as stopped:
        check_precision(PATH, recorded(there), "auto", "embed.precision")
    message = str(stopped.value)
    assert f"data/resolved.json: precision {there} is recorded, on this machine `auto` stands for {here}" in message
    assert "Run `recops run`" in message
    assert "params.yaml (embed.precision)" in message
    check_precision(PATH, recorded(here), "auto", "embed.precision")


@pytest.mark.parametrize("named", ["bfloat16", "float32"])
def test_a_precision_that_params_name_is_nobodys_choice(named, monkeypatch):
    monkeypatch.setattr(precision, "_has_bfloat16", lambda: False)
    check_precision(PATH, recorded("bfloat16"), named, "embed.precision")


def test_another_encoder_stops_and_both_are_named():
    with pytest.raises(UserError) as stopped:
        check_encoder(PATH, recorded(), "large", "b" * 64)
    message = str(stopped.value)
    assert "encoder 'small' (sha256 aaaaaaaaaaaa…) is recorded" in message
    assert "choose 'large' (sha256 bbbbbbbbbbbb…)" in message
    assert "Run `recops run`" in message
    check_encoder(PATH, recorded(), "the same by another name", "a" * 64)


def test_what_was_recorded_is_read_again(tmp_path):
    write_resolved(recorded(), tmp_path / "resolved.json")
    assert read_resolved(tmp_path / "resolved.json") == recorded()


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "there is no such file"), ("{}", "it is not what"), ("no json", "it is not what")]
)
def test_what_is_no_record_says_what_to_run(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "resolved.json").write_text(content)
    with pytest.raises(UserError, match=rf"resolved.json: {reason}.*run `recops run`"):
        read_resolved(tmp_path / "resolved.json")
