"""data/reference: what the DAG needs from the world (the champion's bundle, the profile of the last accepted data)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from features.settings import Settings
from flows.project.dataset import Project
from flows.project.params_file import edit_source
from flows.project.under_dvc import NO_REFERENCE, REFERENCE, put_under_dvc, restored_on_failure
from models.release.bundle import read_manifest
from models.release.store import ReleaseStore


def refresh_reference(project: Project, settings: Settings) -> bool:
    """Takes the live release's judged bundle as the champion; True when that changed what the DAG will see.

    A refitted bundle knows rows that the next test part may hold, so it cannot be judged on them: the champion is the
    bundle that it was fitted anew from.
    Called only when a new bundle will be made: a bundle that is live already is never judged against itself.
    """
    store = ReleaseStore(settings.home)
    live = store.live()
    if live is None or not belongs_here(project, store.read(live).source):
        return False
    bundle = store.judged(live)
    present = project.root / REFERENCE / "champion"
    if (present / "manifest.json").is_file() and read_manifest(present).hash == read_manifest(bundle).hash:
        return edit_source(project, {"reference": REFERENCE})
    scratch = project.root / f"{REFERENCE}.{os.getpid()}.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(bundle, scratch / "champion")
    profile = store.folder(live) / "profile.json"
    (scratch / "profile.json").write_text(profile.read_text(encoding="utf-8") if profile.is_file() else "{}\n")
    (scratch / "history.csv").write_text(history_csv(store), encoding="utf-8")
    folder = project.paths.reference
    with restored_on_failure([folder], [project.paths.params, Path(f"{folder}.dvc")]):
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
        put_under_dvc(project.root, REFERENCE)
        edit_source(project, {"reference": REFERENCE})
    return True


def history_csv(store: ReleaseStore) -> str:
    """Two metrics of every kept release that was live, in the order of first being so: for the metric history; live: 1
    for the one that is live."""
    lines, live = ["release,ndcg@10,recall@10,live"], store.live()
    for release in dict.fromkeys(span.release for span in store.history()):
        if not (store.folder(release) / "release.json").is_file():
            continue
        metrics = store.read(release).metrics
        figures = (str(metrics.get(name, "")) for name in ("ndcg@10", "recall@10"))
        lines.append(",".join([release, *figures, str(int(release == live))]))
    return "\n".join(lines) + "\n"


def drop_reference(project: Project) -> None:
    """Clears the reference for a new line of data: the built-in champion, no accepted profile."""
    edit_source(project, {"reference": NO_REFERENCE})
    shutil.rmtree(project.root / REFERENCE, ignore_errors=True)
    (project.root / f"{REFERENCE}.dvc").unlink(missing_ok=True)


def belongs_here(project: Project, source: dict[str, object]) -> bool:
    """Whether a release was made from this line of data: an import without --append starts a new one."""
    return source.get("line") == data_line(project)


def data_line(project: Project) -> str:
    """The mark of the present line of data: set by each import without --append, "" for the simulated world."""
    return str((project.params().get("source") or {}).get("line") or "")
