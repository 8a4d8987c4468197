"""The parquet files behind Feast's sources: where they are, and what to say of one that is not there."""

from __future__ import annotations

import os
from pathlib import Path

from feast.infra.offline_stores.file_source import FileSource
from feast.repo_config import RepoConfig

from features.repo.faults import RepositoryError
from features.repo.project_folder import project_folder

WRITER = "written_by"  # a source's tag: the command that writes its file
BY_RUN, BY_RELEASE = "recops run", "recops release"


def source_path(config: RepoConfig, source: FileSource) -> Path:
    """Where a source's file is; a relative path is relative to the Feast repository in the project folder."""
    path = Path(source.path)
    if path.is_absolute():
        return path
    root = config.offline_store.root
    folder = Path(root) if root else project_folder(config.repo_path)
    return Path(os.path.normpath(folder / "features" / "repo" / path))


def warning_of(config: RepoConfig, source: FileSource) -> str | None:
    """What `feast apply` and `feast plan` should say of a source whose file is not there yet; that is no error."""
    path = source_path(config, source)
    if path.is_file() or source.tags.get(WRITER) == BY_RELEASE:  # a release removes its file once it is online
        return None
    return f"{source.name}: no file {path} yet; `{source.tags.get(WRITER, BY_RUN)}` writes it"


def relation(config: RepoConfig, source: FileSource) -> str:
    """A source as a relation of a DuckDB query.

    Raises:
        NotImplementedError: it is no parquet file.
        RepositoryError: there is no such file.
    """
    if not source.path.endswith(".parquet"):
        raise NotImplementedError(f"{source.path}: this store reads parquet files")
    path = source_path(config, source)
    if not path.is_file():
        remedy = (
            "this view has no past; ask for it online (`get_online_features`)"
            if source.tags.get(WRITER) == BY_RELEASE
            else "make the feature tables first (`recops run --until build_features`)"
        )
        raise RepositoryError(f"{source.name}: no file {path}; {remedy}")
    escaped = str(path).replace("'", "''")
    return f"read_parquet('{escaped}')"
