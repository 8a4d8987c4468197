"""An import that fails after the tables are written changes nothing, also when DVC refuses; git is no need."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo

from features.errors import UserError
from features.events.event_log import EventLog, NewEvent
from features.importing.raw_folder import read_raw
from features.settings import Settings
from flows.cli.__main__ import main
from flows.project import imports
from flows.project.dag import Dag
from flows.project.dataset import Project
from flows.project.reference import refresh_reference
from models.release.store import Release, ReleaseStore
from tests.support.release_project import make_project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with DVC and without git; nothing is imported yet."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copyfile(ROOT / name, root / name)
    Repo.init(str(root), no_scm=True).close()
    shutil.copytree(ROOT / "data" / "initial", root / "data" / "initial")
    monkeypatch.chdir(root)
    monkeypatch.setenv("RECOPS_HOME", str(root / ".recops"))
    return Project(root)


def log(folder: Path, users: str, n: int = 20) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{users}{k % 5},i{k % 7},{1_700_000_000 + k * 3600}\n" for k in range(n))
    (folder / "interactions.csv").write_text(f"user_id,item_id,timestamp\n{rows}")
    return folder


def state(project: Project) -> dict[str, bytes | None]:
    """Every file that an import may touch, with its content; scratch files of the import too."""
    files = [path for path in (project.root / "data").rglob("*") if path.is_file()]
    return {str(path.relative_to(project.root)): path.read_bytes() for path in [*files, project.root / "params.yaml"]}


def settings(project: Project) -> Settings:
    return Settings(home=project.root / ".recops")


def imported(project: Project, path: Path, *, append: bool = False) -> int:
    return imports.import_into_project(project, settings(project), "csv", path, append=append).n_rows


def users_of(project: Project) -> set[str]:
    return {user[0] for user in read_raw(project.root / "data" / "raw").interactions.get_column("user_id")}


@pytest.fixture
def over() -> threading.Event:
    """Set, it ends what holds the project."""
    return threading.Event()


@pytest.fixture
def pushing(project: Project, over: threading.Event) -> Iterator[None]:
    """Another DVC command holds the project until it is over, as `dvc push` does while it transfers."""
    held = threading.Event()

    def hold() -> None:
        with Repo(str(project.root)) as repo, repo.lock:
            held.set()
            over.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    yield
    over.set()
    thread.join()


@pytest.mark.parametrize("append", [False, True])
def test_an_import_during_a_push_changes_nothing(
    project: Project, tmp_path: Path, request: pytest.FixtureRequest, *, append: bool
) -> None:
    imported(project, log(tmp_path / "a", "a"))
    before = state(project)
    request.getfixturevalue("pushing")
    with pytest.raises(UserError, match="another DVC command is under way here.*wait for it to end") as error:
        imported(project, log(tmp_path / "b", "b"), append=append)
    assert "\n" not in str(error.value)
    assert state(project) == before


def test_a_first_import_during_a_push_leaves_nothing(project: Project, tmp_path: Path, pushing: None) -> None:
    before = state(project)
    with pytest.raises(UserError, match="another DVC command"):
        imported(project, log(tmp_path / "a", "a"))
    assert state(project) == before
    assert not (project.root / "data" / "raw").exists()


def test_an_export_of_events_during_a_push_changes_nothing_and_later_happens_once(
    project: Project, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    imported(project, log(tmp_path / "a", "a"))
    events = EventLog(settings(project).events_url)
    events.append([NewEvent("b1", "i1", "click", 1_700_000_000_000_000)])
    events.close()
    before = state(project)
    request.getfixturevalue("pushing")
    with pytest.raises(UserError, match="another DVC command"):
        imports.export_events(project, settings(project))
    assert state(project) == before
    request.getfixturevalue("over").set()
    assert [imports.export_events(project, settings(project)).n_events for _ in range(2)] == [1, 0]
    assert users_of(project) == {"a", "b"}


def test_a_new_champion_during_a_push_changes_nothing_and_is_taken_later(
    project: Project, request: pytest.FixtureRequest
) -> None:
    params = (project.root / "params.yaml").read_bytes()
    manifest = make_project(project.root)
    (project.root / "params.yaml").write_bytes(params)
    store = ReleaseStore(settings(project).home)
    shutil.copytree(project.root / "data" / "bundle", store.folder("r1") / "bundle")
    store.write(
        Release(
            release="r1",
            bundle_hash=manifest.hash,
            created_at="2026-01-01T00:00:00+00:00",
            data_until=1,
            events_through=0,
            namespace="ns",
            source={"line": ""},
        )
    )
    store.swap("r1", who="test", why="a test")
    before = state(project)
    request.getfixturevalue("pushing")
    with pytest.raises(UserError, match="another DVC command"):
        refresh_reference(project, settings(project))
    assert state(project) == before
    request.getfixturevalue("over").set()
    assert refresh_reference(project, settings(project))
    assert (project.root / "data" / "reference.dvc").is_file()
    assert project.params()["source"]["reference"] == "data/reference"


def test_after_the_push_the_same_import_works(project: Project, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    imported(project, log(tmp_path / "a", "a"))
    assert imported(project, log(tmp_path / "b", "b")) == 20
    assert users_of(project) == {"b"}
    assert imported(project, log(tmp_path / "c", "c"), append=True) == 40
    assert users_of(project) == {"b", "c"}


def test_the_reference_of_the_line_before_stays_when_an_import_fails(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(project, log(tmp_path / "a", "a"))
    (project.root / "data" / "reference").mkdir()
    (project.root / "data" / "reference" / "profile.json").write_text("{}")
    (project.root / "data" / "reference.dvc").write_text("outs: []\n")
    before = state(project)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(imports, "edit_source", fails)
    with pytest.raises(OSError, match="No space"):
        imported(project, log(tmp_path / "b", "b"))
    assert state(project) == before


def test_data_behind_a_link_is_refused_with_a_remedy(project: Project, tmp_path: Path) -> None:
    (project.root / "data").rename(tmp_path / "other disk")
    (project.root / "data").symlink_to(tmp_path / "other disk", target_is_directory=True)
    before = state(project)
    with pytest.raises(UserError, match=r"project/data is a symbolic link.*`dvc cache dir`"):
        imported(project, log(tmp_path / "a", "a"))
    assert state(project) == before


def _as_downloaded(project: Project) -> None:
    """The project's own .dvc/config, which says nothing about git."""
    shutil.copyfile(ROOT / ".dvc" / "config", project.root / ".dvc" / "config")


def test_an_import_and_the_dag_work_without_git(project: Project, tmp_path: Path) -> None:
    _as_downloaded(project)
    assert imported(project, log(tmp_path / "a", "a")) == 20
    assert (project.root / "data" / "raw.dvc").is_file()
    dag = Dag(project.root)
    assert dag.order()[0] == "ingest"
    assert "ingest" in dag.stale()


@pytest.mark.parametrize("git", ["none in it", "a folder above", "no commit yet", "a link to nowhere"])
def test_an_import_works_in_every_state_of_git(project: Project, tmp_path: Path, git: str) -> None:
    _as_downloaded(project)
    if git == "none in it":
        (project.root / ".git").mkdir()
    elif git == "a link to nowhere":  # a worktree that was copied into an image
        (project.root / ".git").write_text("gitdir: /nowhere\n")
    else:
        place = project.root.parent if git == "a folder above" else project.root
        subprocess.run(["git", "init", "-q", str(place)], check=True)
    assert imported(project, log(tmp_path / "a", "a")) == 20
    assert "ingest" in Dag(project.root).stale()


def test_tables_behind_a_link_are_replaced_by_a_folder_and_nothing_is_left(project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    raw = project.root / "data" / "raw"
    raw.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (project.root / "data" / "raw.dvc").write_text("outs: [")
    with pytest.raises(UserError, match="raw"):
        imported(project, log(tmp_path / "a", "a"))
    assert raw.is_symlink()
    (project.root / "data" / "raw.dvc").unlink()
    assert imported(project, log(tmp_path / "a", "a")) == 20
    assert not raw.is_symlink()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert sorted(path.name for path in raw.parent.iterdir()) == ["initial", "raw", "raw.dvc"]


def test_without_dvc_the_command_ends_with_exit_2_and_leaves_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project.root / ".dvc")
    monkeypatch.setattr(sys, "argv", ["recops", "data", "import", "csv", "--path", str(log(tmp_path / "a", "a"))])
    with pytest.raises(SystemExit) as ended:
        main()
    message = capsys.readouterr().err
    assert ended.value.code == 2
    assert "dvc init --no-scm" in message
    assert "\n" not in message.strip()
    assert not (project.root / "data" / "raw").exists()


@pytest.mark.parametrize("break_it", [lambda root: (root / "data" / "raw.dvc").write_text("outs: [")])
def test_a_broken_dvc_file_is_told(project: Project, tmp_path: Path, break_it: Callable[[Path], object]) -> None:
    imported(project, log(tmp_path / "a", "a"))
    break_it(project.root)
    before = state(project)
    with pytest.raises(UserError, match=r"data/raw.*raw\.dvc"):
        imported(project, log(tmp_path / "b", "b"))
    assert state(project) == before
