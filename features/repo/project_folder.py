"""The project folder that a Feast repository folder belongs to."""

from __future__ import annotations

from pathlib import Path


def project_folder(repo_path: Path | str | None) -> Path:
    """The nearest folder upward that holds dvc.yaml; where there is none, the folder of this code.

    repo_path: the folder on which Feast was opened, the current one where None.
    """
    start = Path(repo_path or ".").resolve()
    for folder in (start, *start.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    return Path(__file__).resolve().parents[2]
