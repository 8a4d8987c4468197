"""A wrong setting ends the start with exit code 2 and one paragraph that names it, before any worker runs."""

from __future__ import annotations

import sys

import pytest

from models.release.store import ReleaseStore
from services import serve
from tests.support.bentos import release_with_code
from tests.support.small_release import release

WRONG = {
    "workers is no number": ({"RECOPS_WORKERS": "two"}, "RECOPS_WORKERS"),
    "no worker at all": ({"RECOPS_WORKERS": "0"}, "RECOPS_WORKERS"),
    "telemetry is no truth value": ({"RECOPS_TELEMETRY": "perhaps"}, "RECOPS_TELEMETRY"),
    "a key without a role": ({"RECOPS_API_KEYS": "secret"}, "RECOPS_API_KEYS"),
    "an instant without a zone": ({"RECOPS_AT": "2026-01-01T00:00:00"}, "RECOPS_AT"),
    "a release that is not there": ({"RECOPS_RELEASE": "r9"}, "no release 'r9'"),
    "another kind of database": ({"RECOPS_DATABASE_URL": "mysql://u:secret@127.0.0.1/x"}, "RECOPS_DATABASE_URL"),
    "a database where nothing answers": (
        {"RECOPS_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"},
        "RECOPS_DATABASE_URL",
    ),
    "another kind of online store": ({"RECOPS_ONLINE_STORE": "memcached://127.0.0.1"}, "RECOPS_ONLINE_STORE"),
    "a Redis where nothing answers": (
        {"RECOPS_ONLINE_STORE": "redis://:secret@127.0.0.1:1/0"},
        "nothing answers at 127.0.0.1:1",
    ),
    "a Redis database that is no number": ({"RECOPS_ONLINE_STORE": "redis://127.0.0.1:6379/x"}, "RECOPS_ONLINE_STORE"),
    "a Redis port that is no number": ({"RECOPS_ONLINE_STORE": "redis://127.0.0.1:port/0"}, "RECOPS_ONLINE_STORE"),
}


def refusal(capsys, monkeypatch, *arguments: str) -> str:
    """What `python -m services.serve` says before it ends with 2."""
    monkeypatch.setattr(sys, "argv", ["serve", *arguments])
    with pytest.raises(SystemExit) as ended:
        serve.main()
    assert ended.value.code == 2
    (paragraph,) = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in paragraph
    assert "secret" not in paragraph
    return paragraph


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_setting_is_named(made, settings, monkeypatch, capsys, fault):
    release(made, settings, "r1")
    environment, told = WRONG[fault]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert told in refusal(capsys, monkeypatch, "--working-tree", "--port", "0")


def test_a_home_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RECOPS_HOME", str(tmp_path / "file" / "home"))
    told = refusal(capsys, monkeypatch)
    assert told.startswith(f"RECOPS_HOME {tmp_path}/file/home cannot be written (Not a directory)")


def test_a_port_or_host_that_is_not_ours_is_named(made, settings, monkeypatch, capsys):
    release(made, settings, "r1")
    key = "admin:" + "0" * 64
    monkeypatch.setenv("RECOPS_API_KEYS", key)
    for host in ("192.0.2.1", "no.such.host.invalid"):
        told = refusal(capsys, monkeypatch, "--working-tree", "--host", host)
        assert told.startswith(f"{host}:3000 cannot be listened on")


def test_a_release_is_served_by_its_own_bento_or_on_demand_by_the_working_tree(made, settings, monkeypatch, capsys):
    release(made, settings, "r1")
    assert "r1 was recorded without a Bento" in refusal(capsys, monkeypatch)
    lost = release_with_code(made, settings, "r2", "code2")
    store = ReleaseStore(settings.home)
    store.swap("r2", who="test", why="")
    assert serve.check(settings, "127.0.0.1", 0) == lost
    bento = settings.home / "bentoml" / "bentos" / "recops" / lost.bento_tag.partition(":")[2]
    (bento / "src" / "services" / "worker.py").unlink()
    assert "built by an older recops" in refusal(capsys, monkeypatch)
    (bento / "bento.yaml").unlink()
    assert f"its Bento {lost.bento_tag} is not in" in refusal(capsys, monkeypatch)
    assert serve.check(settings, "127.0.0.1", 0, working_tree=True) == lost


def test_a_release_or_pointer_that_cannot_be_read_is_named(made, settings, monkeypatch, capsys):
    release(made, settings, "r1")
    store = ReleaseStore(settings.home)
    (store.folder("r1") / "release.json").write_text('{"release": "r1"')
    assert "r1/release.json: no readable release" in refusal(capsys, monkeypatch)
    store.pointer.write_text("[]")
    assert "live.json: not readable" in refusal(capsys, monkeypatch)
