"""Releases under DVC: data/releases/ID.dvc names a release's files by hash, so that another home can restore it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from features.errors import RefusedError, UserError
from features.events.event_log import EventLog
from features.settings import Settings
from flows.project.dataset import Project
from flows.project.under_dvc import open_repo, put_under_dvc
from flows.releasing.bento import build_bento, labels_of, prepare
from flows.releasing.cleanup import drop_namespace, namespace_of, release_lock, scratch_of
from flows.releasing.learning.learning_base import prepare_learning
from flows.releasing.lineage import SHARED
from flows.releasing.materialize import fill
from models.language.writing.released_texts import PROFILES_FILE
from models.learning.base import FOLDER as LEARNING
from models.release.bundle import combined_hash, read_manifest, sha256_of_files, unseal
from models.release.store import Release, ReleaseStore, read_release

CARRIED = ("items", "users.parquet")  # made from the project's present features: those of the release, or others


def shared_file(project: Project, release: str) -> Path:
    """The .dvc file of a release."""
    return project.root / SHARED / f"{release}.dvc"


def share(project: Project, settings: Settings, release: str) -> Path | None:
    """Adds a release's files to DVC's cache and writes its .dvc file, which the user commits; None without DVC.

    Raises:
        UserError: `dvc add` fails.
    """
    if not (project.root / ".dvc").is_dir():
        return None
    folder, target = ReleaseStore(settings.home).folder(release), project.root / SHARED / release
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(
        folder, target, ignore=shutil.ignore_patterns(LEARNING, f".{LEARNING}*", PROFILES_FILE)
    )  # rows of users, made anew when pulled
    put_under_dvc(project.root, f"{SHARED}/{release}")
    return shared_file(project, release)


def unshare(project: Project, release: str) -> None:
    """Removes a release's files and its .dvc file from the project; DVC's cache and remotes keep theirs."""
    shutil.rmtree(project.root / SHARED / release, ignore_errors=True)
    shared_file(project, release).unlink(missing_ok=True)


def pull(project: Project, settings: Settings, name: str) -> Iterator[str]:
    """Restores a release from DVC as a recorded one of this home: its files, its online namespace and its Bento.

    The files come by hash. Namespace and Bento are made from this project's data and code, which must be those of the
    release; the release is pinned, since nothing was live yet.

    Raises:
        UserError: no such release is shared, or DVC has not its files.
        RefusedError: the project's data or code are others than the release's.
    """
    store = ReleaseStore(settings.home)
    if store.has(name):
        yield f"release {name} is in {store.root} already"
        return
    folder = _fetched(project, name)
    release = read_release(folder / "release.json")
    if unseal(folder / "bundle").hash != release.bundle_hash:
        raise UserError(f"{folder}: its bundle is not that of its release.json; `dvc pull {SHARED}/{name}.dvc` again")
    yield f"{SHARED}/{name}: the release's files, checked against their hashes"
    _check_data(project, release)
    with release_lock(settings):
        scratch = scratch_of(store, name)
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(folder, scratch)
        try:
            release = _restored(project, settings, release, folder, scratch)
            (scratch / "release.json").unlink()
            scratch.rename(store.folder(name))
            store.write(release)
            store.pin(name, pinned=True)
        except BaseException:
            drop_namespace(settings, namespace_of(name))
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    yield f"online namespace {release.namespace} filled as of the release's last row, Bento {release.bento_tag} built"
    yield f"release {name} is recorded and pinned, not live (`recops rollback {name}`, or pull it with --live)"


def _fetched(project: Project, name: str) -> Path:
    """The release's files, fetched by DVC."""
    from dvc.exceptions import DvcException

    path = shared_file(project, name)
    if not name.strip() or not path.is_file():
        there = sorted(file.stem for file in (project.root / SHARED).glob("*.dvc"))
        raise UserError(f"{path}: not there; shared are {there} (`git pull` brings those that others committed)")
    os.chdir(project.root)
    with open_repo(project.root) as repo:
        try:
            repo.pull(targets=[str(path.relative_to(project.root))])
        except DvcException as error:
            raise UserError(
                f"{path}: DVC cannot get its files ({' '.join(str(error).split())}); `dvc push` where it was released, "
                "and look at `dvc remote list` here"
            ) from None
    return project.root / SHARED / name


def _check_data(project: Project, release: Release) -> None:
    """The namespace is filled from the project's split and features, which must be those of the release."""
    sealed = str(release.source.get("data_hash") or "")
    split = project.paths.split
    present = combined_hash(sha256_of_files(split)) if split.is_dir() else ""
    if present != sealed:
        raise RefusedError(
            f"{split}: its hash is {present[:12] or 'none'}, expected {sealed[:12]} of release {release.release}, so "
            f"the online namespace cannot be filled here. {_remedy(release)}"
        )


def _restored(project: Project, settings: Settings, release: Release, pulled: Path, scratch: Path) -> Release:
    """Fills the namespace and builds the Bento; the release as it is recorded here."""
    tag = prepare(project.root, scratch / "bundle", scratch / "build" / "context")
    if tag != release.bento_tag:
        raise RefusedError(
            f"{project.root}: its code and packages make the Bento {tag}, expected {release.bento_tag} of release "
            f"{release.release}. {_remedy(release)}"
        )
    through = _events_here(settings, release)
    fill(settings, release.namespace, project, scratch, at=project.data_until(), through=through)
    carried = [sha256_of_files(folder / CARRIED[0]) for folder in (pulled, scratch)]
    users = [(folder / CARRIED[1]).read_bytes() for folder in (pulled, scratch)]
    if carried[0] != carried[1] or users[0] != users[1]:
        raise RefusedError(
            f"{project.paths.features}: its states are not those of release {release.release}. {_remedy(release)}"
        )
    bundle = scratch / "bundle"
    prepare_learning(project, bundle, scratch)
    labels = labels_of(read_manifest(bundle), release.release, release.metrics)
    build_bento(project.root, bundle, settings, scratch / "build", labels)
    shutil.rmtree(scratch / "build", ignore_errors=True)
    source = {**release.source, "events_through_where_released": release.events_through}
    return replace(release, events_through=through, source=source)


def _events_here(settings: Settings, release: Release) -> int:
    """The last event that the release's data hold: none where the log here is another one, which is shorter."""
    if not release.events_through:
        return 0
    log = EventLog(settings.events_url)
    try:
        return release.events_through if log.last_seq() >= release.events_through else 0
    finally:
        log.close()


def _remedy(release: Release) -> str:
    git = release.source.get("git") or {}
    get = (
        "Get its project"
        if not git.get("commit") or git.get("dirty")
        else f"`git checkout {git['commit']}`, `dvc pull`"
    )
    return (
        f"{get} and pull again. Its files are in {SHARED}/{release.release}: `recops recommend --bundle "
        f"{SHARED}/{release.release}/bundle` works with them"
    )
