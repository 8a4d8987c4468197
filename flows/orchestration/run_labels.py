"""Labels of a flow run: a name that says what and when, tags to filter by, the version of the code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from features.errors import UserError
from features.params import read_params
from flows.orchestration.git import git

logger = logging.getLogger(__name__)

TAG = "recops"  # every run and deployment of ours has it; the automations act on nothing else
GIT_TIMEOUT_S = 10  # a version is worth no longer wait


def run_name() -> str:
    """The name of the flow run that begins, such as `train quick 2026-11-28 05:12 (movielens)`, in UTC."""
    from prefect.runtime import flow_run

    return name_of(str(flow_run.flow_name), root_of(flow_run.parameters or {}), datetime.now(UTC))


def name_of(flow: str, root: Path, instant: datetime) -> str:
    """Flow, profile, minute and where the data come from; what params.yaml does not tell is left out."""
    profile, source = _profile_and_source(root)
    words = [flow, profile, f"{instant:%Y-%m-%d %H:%M}", f"({source})" if source else ""]
    return " ".join(filter(None, words))


def tags_of(root: Path) -> list[str]:
    """Tags of a run: ours, the project's folder, the profile."""
    return [tag for tag in dict.fromkeys([TAG, root.name, _profile_and_source(root)[0]]) if tag]


def root_of(parameters: Mapping[str, Any]) -> Path:
    """The project folder that a flow's parameters name; the current one by default."""
    return Path(parameters.get("root") or Path.cwd()).absolute()


def tag_run(root: Path) -> None:
    """Adds the project's tags to the flow run that is under way; one that cannot be labelled goes on without."""
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.context import FlowRunContext
    from prefect.exceptions import PrefectException

    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    run = context.flow_run
    wanted = list(dict.fromkeys([*(run.tags or []), *tags_of(root)]))
    if wanted == list(run.tags or []):
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run.id, tags=wanted).raise_for_status()
    except (httpx.HTTPError, PrefectException, OSError) as error:
        logger.warning("the Prefect server did not take the run's tags: %s", error)


@lru_cache(maxsize=1)
def code_version() -> str:
    """The version of this code: the package's, and the git commit where there is one (`.dirty`: changed since)."""
    try:
        package = version("recops")
    except PackageNotFoundError:
        package = "0"
    commit = _commit(Path(__file__).parents[2])
    return f"{package}+{commit}" if commit else package


def _commit(folder: Path) -> str:
    """The abbreviated commit that a folder is in; "" without git."""
    describe = ("describe", "--always", "--exclude=*", "--abbrev=10", "--dirty=.dirty")
    return (git(folder, *describe, timeout_s=GIT_TIMEOUT_S) or "").strip()


def _profile_and_source(root: Path) -> tuple[str, str]:
    """What params.yaml says of both; "" where it cannot be read: the run itself says what is wrong with it."""
    try:
        params = read_params(root / "params.yaml")
    except (UserError, OSError):
        return "", ""
    source = params.get("source")
    return str(params.get("profile") or ""), str(source.get("name") or "") if isinstance(source, dict) else ""


if __name__ == "__main__":
    print(code_version())  # noqa: T201  `prefect deploy` asks (prefect.yaml)
