"""Running services: who has loaded which release, told by files that a dead process does not leave for long."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time

from models.release.running import (
    SILENT_S,
    SUPERVISOR,
    Registration,
    RunningService,
    following,
    running_services,
    wait_until_followed,
)

HERE = socket.gethostname()


def service(pid: int, **facts) -> RunningService:
    return RunningService(pid=pid, host="h", started=1, **facts)


def names(following_of):
    return (
        [name.split()[1] for name in following_of.loaded],
        [name.split()[1] for name in following_of.waiting],
        {name.split()[1]: reason for name, reason in following_of.refused.items()},
    )


def test_a_process_is_listed_from_its_registration_to_its_end(tmp_path):
    registration = Registration(tmp_path, address="http://127.0.0.1:3000")
    registration.start()
    (listed,) = running_services(tmp_path)
    assert (listed.pid, listed.host, listed.release) == (os.getpid(), HERE, None)
    registration.update(release="r1", refused={"r2": "its hash differs"})
    (listed,) = running_services(tmp_path)
    assert (listed.release, listed.refused, listed.address) == (
        "r1",
        {"r2": "its hash differs"},
        "http://127.0.0.1:3000",
    )
    registration.remove()
    registration.update(release="r2")  # a load that ends after the end writes nothing
    assert running_services(tmp_path) == []


def test_a_killed_process_and_one_whose_number_is_used_again_are_not_listed(tmp_path):
    program = (
        "import os, pathlib; from models.release.running import Registration\n"
        f"Registration(pathlib.Path({str(tmp_path)!r})).start(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    (path,) = (tmp_path / "services").iterdir()
    entry = json.loads(path.read_text())
    assert running_services(tmp_path) == []
    assert not path.exists()
    path.write_text(json.dumps(entry | {"pid": os.getpid()}))  # this process, which began at another instant
    assert running_services(tmp_path) == []


def test_of_another_machine_the_age_of_the_file_decides(tmp_path):
    registration = Registration(tmp_path)
    registration.start()
    entry = json.loads(registration.path.read_text()) | {"host": "elsewhere", "pid": 1}
    path = tmp_path / "services" / "elsewhere-1.json"
    path.write_text(json.dumps(entry))
    assert [found.host for found in running_services(tmp_path)] == ["elsewhere", HERE]
    old = time.time() - SILENT_S - 1
    os.utime(path, (old, old))
    assert [found.host for found in running_services(tmp_path)] == [HERE]
    registration.remove()


def test_a_half_written_or_foreign_file_is_passed_over(tmp_path):
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "x.json").write_text('{"pid": 1')
    (tmp_path / "services" / "y.json").write_text('{"later": "version"}')
    assert running_services(tmp_path) == []


def test_services_follow_refuse_or_have_not_yet_seen_a_release():
    services = [
        service(1, role=SUPERVISOR, refused={"r2": "its worker ended with 1"}),
        service(2, supervisor=1, release="r1"),
        service(3, release="r2"),
        service(4, release="r1", refused={"r2": "its hash differs"}),
        service(5, release="r1"),
        service(6, release="r1", draining=True),
    ]
    assert names(following(services, "r2")) == (
        ["3"],
        ["5"],
        {"2": "its worker ended with 1", "4": "its hash differs"},
    )
    starting = [service(1, role=SUPERVISOR, starting="r2"), service(2, supervisor=1, release="r2")]
    assert names(following(starting, "r2")) == (["2"], ["1"], {})


def test_waiting_ends_when_all_have_loaded_it_or_the_time_is_over(tmp_path):
    registration = Registration(tmp_path)
    registration.start()
    registration.update(release="r1")

    def load(_):
        registration.update(release="r2")

    assert wait_until_followed(tmp_path, "r2", pause=load).waiting == []
    outcome = wait_until_followed(tmp_path, "r3", in_place_s=0.0, pause=load)
    assert (outcome.loaded, len(outcome.waiting)) == ([], 1)
    registration.remove()
    assert wait_until_followed(tmp_path, "r3").settled
