"""`make demo`: the main job from nothing, told as it happens, through the same commands that a person would type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.files import write_text
from features.settings import Settings
from features.telemetry import quiet_telemetry
from flows.orchestration.loopback import open_url
from flows.orchestration.processes import free_port, tail, wait_ready
from flows.orchestration.server import LOCAL, choose_server
from flows.project.dag import project_root
from flows.project.dataset import Project
from flows.project.params_file import edited, read_text

PROFILE = "quick"
KEPT = (
    "params.yaml",
    "dvc.lock",
    "data/reference.dvc",
    *(f"data/reports/{name}.json" for name in ("validation", "cleaning", "metrics", "decision", "summary")),
    "data/reports/decision.md",
)


def main() -> None:
    """Runs every chapter; the params and the data end as they were after the first one."""
    project = Project(project_root(Path.cwd()))
    os.chdir(project.root)
    settings = Settings()
    quiet_telemetry()
    started = time.monotonic()
    stay = not os.environ.get("CI")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        _demo(project, settings, processes, started)
    finally:
        if not stay:
            _stop(processes)
    if stay:
        _say("what to try next", started)
        _tell(
            f"the page             http://127.0.0.1:{_ports['service']}/",
            f"the Prefect UI       {os.environ['PREFECT_API_URL'].removesuffix('/api')}",
            "your own data        recops data import csv --path FOLDER && recops run && recops release",
            "all of it            profile: default in params.yaml, then recops run: trains the network too",
            "another knob         edit params.yaml, then recops run: only what depends on it runs again",
            "metrics over time    dvc metrics diff; dvc plots show",
            f"stop what runs now   kill {' '.join(str(process.pid) for process in processes)}",
        )


_ports: dict[str, int] = {}


def _demo(project: Project, settings: Settings, processes: list[subprocess.Popen[bytes]], started: float) -> None:
    _start_prefect(settings, processes)

    edit(project, "profile", PROFILE)
    _say("from raw data to a judged recommender: ingest, validate, split, train, judge, decide", started)
    _recops("run")
    _recops("evaluate")
    if _verdict(project) is False:
        sys.exit("the first model was refused by the gate; data/reports/decision.md says why")

    _say("release: materialize the features, build the Bento, replay test queries, swap the pointer", started)
    _recops("release")
    first = _live(settings)

    _say("the service", started)
    _serve(settings, processes)
    _a_click_changes_the_list(project)

    _say("a worse challenger through the real DAG: variety is all that counts", started)
    with _kept(project):
        edit(project, "reranker.relevance", 0.0)
        _recops("run", "--quiet")
        _tell(*(project.paths.reports / "decision.md").read_text(encoding="utf-8").strip().splitlines())
        if _recops("release", may_fail=True) == 0:
            sys.exit("a clearly worse model was released: this must not happen")
        _tell("refused: the live release is still " + str(_live(settings)))

    _say("an equal challenger: judged against the live release, then released", started)
    with _kept(project):
        edit(project, "reranker.relevance", 0.94)
        _recops("run", "--quiet")
        _tell(*(project.paths.reports / "decision.md").read_text(encoding="utf-8").strip().splitlines())
        if _recops("release", may_fail=True) == 0:
            _wait_for_release(str(_live(settings)))
            _recops("rollback")
            _wait_for_release(str(first))
            _tell(f"rolled back: live is {_live(settings)} again, and the service has followed")
    _recops("releases")


def _a_click_changes_the_list(project: Project) -> None:
    """One user's list with reasons, one event, and the two lists side by side."""
    import polars as pl

    log = pl.read_parquet(project.paths.log / "full.parquet")
    titles = dict(pl.read_parquet(project.paths.catalogue / "catalogue.parquet").select("item_id", "title").rows())
    counts = log.group_by("user_id").len().filter(pl.col("len").is_between(15, 40)).sort("user_id")
    user = str(counts.item(0, "user_id"))
    last = log.filter(pl.col("user_id") == user).sort("timestamp").tail(4).get_column("item_id").to_list()
    _tell(f"user {user} came lately for: " + "; ".join(str(titles.get(item)) for item in last), "")
    before = _post("/recommend", {"user_id": user, "k": 10, "explain": True})
    for item in before["items"]:
        _tell(f"{item['rank']:>3}  {str(item['title'])[:44]:<46}{item.get('reason') or ''}")
    clicked = before["items"][2]
    event = {"user_id": user, "item_id": clicked["item_id"], "event": "click", "request_id": before["request_id"]}
    _tell("", f"POST /events: {user} clicks “{clicked['title']}”: {_post('/events', {'events': [event]})}", "")
    after = _post("/recommend", {"user_id": user, "k": 10})
    places = {item["item_id"]: item["rank"] for item in before["items"]}
    _tell(f"{'before':<48}after")
    for old, new in zip(before["items"], after["items"], strict=False):
        was = places.get(new["item_id"])
        mark = "new" if was is None else "" if was == new["rank"] else f"was {was}"
        _tell(f"{old['rank']:>3} {str(old['title'])[:42]:<44}{new['rank']:>3} {str(new['title'])[:42]:<43}{mark}")
    if [item["item_id"] for item in before["items"]] == [item["item_id"] for item in after["items"]]:
        sys.exit("the list did not change after the event: this must not happen")


def _start_prefect(settings: Settings, processes: list[subprocess.Popen[bytes]]) -> None:
    """A Prefect server for the whole demo, so that its UI shows the runs; one that is there already is used."""
    if choose_server(settings):
        return
    port = free_port(4200)
    url = LOCAL if port == 4200 else f"http://127.0.0.1:{port}/api"
    os.environ["PREFECT_API_URL"] = url
    log = settings.home / "prefect.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **os.environ,
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_UI_API_URL": url,
    }  # else its pages ask 4200
    environment.pop("PREFECT_API_URL")
    processes.append(_background(command, log, environment))
    _wait_for(f"{url}/health", processes[-1], log)


def _serve(settings: Settings, processes: list[subprocess.Popen[bytes]]) -> None:
    _ports["service"] = free_port(3000)
    log = settings.home / "service.log"
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", str(_ports["service"])]
    processes.append(_background(command, log, dict(os.environ)))
    _wait_for(f"http://127.0.0.1:{_ports['service']}/readyz", processes[-1], log)
    _tell(f"ready at http://127.0.0.1:{_ports['service']}/", "")


def _background(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
        )


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    if not wait_ready(process, url, timeout_s=90):
        sys.exit(f"{url} does not answer; {log} says why:\n{tail(log)}")


def _wait_for_release(release: str, timeout_s: float = 15) -> None:
    """Until the service answers with a release: it follows the pointer within seconds."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with open_url(f"http://127.0.0.1:{_ports['service']}/status", timeout_s=5) as reply:
            if json.load(reply)["release"] == release:
                return
        time.sleep(0.2)
    sys.exit(f"the service did not follow to release {release} within {timeout_s} s")


def _post(route: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{_ports['service']}{route}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with open_url(request, timeout_s=30) as reply:
        return json.load(reply)


@contextmanager
def _kept(project: Project) -> Iterator[None]:
    """Params and data afterwards as before: the challengers of the demo leave nothing behind in the project."""
    plots = (str(path.relative_to(project.root)) for path in (project.paths.reports / "plots").glob("*.csv"))
    kept = (*KEPT, *plots)
    before = {name: (project.root / name).read_bytes() if (project.root / name).is_file() else None for name in kept}
    try:
        yield
    finally:
        for name, content in before.items():
            if content is None:
                (project.root / name).unlink(missing_ok=True)
            else:
                (project.root / name).write_bytes(content)
        if before["data/reference.dvc"] is None:
            shutil.rmtree(project.paths.reference, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "dvc", "checkout", "--quiet", "--force"], check=True)


def edit(project: Project, path: str, value: Any) -> None:
    """Sets one value of params.yaml, for the profile of the demo; every other byte stays."""
    write_text(edited(read_text(project), {path: value}, PROFILE), project.paths.params)
    _tell(f"params.yaml: {path} = {value}")


def _recops(*arguments: str, may_fail: bool = False) -> int:
    _tell(f"$ recops {' '.join(arguments)}")
    done = subprocess.run([sys.executable, "-m", "flows.cli", *arguments], check=False)
    if done.returncode and not may_fail:
        sys.exit(f"`recops {' '.join(arguments)}` ended with {done.returncode}")
    return done.returncode


def _live(settings: Settings) -> str | None:
    from models.release.store import ReleaseStore

    return ReleaseStore(settings.home).live()


def _verdict(project: Project) -> bool:
    return bool(json.loads((project.paths.reports / "decision.json").read_text(encoding="utf-8"))["promote"])


def _say(chapter: str, started: float) -> None:
    _tell("", f"── {time.monotonic() - started:4.0f} s ── {chapter}", "")


def _tell(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
