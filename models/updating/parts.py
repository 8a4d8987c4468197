"""The updated parts: the retrievers of a bundle fitted again on all that is known by now; ranker and texts stay."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from features.errors import UserError
from features.params import parse
from models.data.types import Catalogue, Log
from models.interfaces import Retriever
from models.registry import load_part
from models.release.bundle import MANIFEST, Manifest, read_manifest
from models.release.plan import read_part, read_plan
from models.release.refit import fitted_again, params_of, seal_like
from models.updating.recent_rows import recent_rows
from models.updating.update_params import Params

logger = logging.getLogger(__name__)


def updated_parts(
    bundle: Path, log: Log, catalogue: Catalogue, params: Params, loaded: Mapping[str, Retriever] | None = None
) -> dict[str, Retriever]:
    """Every retriever of a bundle, in its order: fitted on `log`, gone on with where it warm-starts, or as it is.

    catalogue: the bundle's; items that came later are outside of the vocabulary; loaded: parts that are in memory as
    the bundle has them. The same bundle, log and params give the same bytes.
    """
    parts: dict[str, Retriever] = {}
    for name in read_plan(bundle).retrievers:
        began = time.monotonic()
        folder = bundle / "retrievers" / name
        if name in params.keep:
            parts[name] = (loaded or {}).get(name) or read_part("retriever", name, folder)
            continue
        parts[name] = fitted_again(
            name,
            folder,
            log,
            catalogue,
            params=_params_of(name, folder, params),
            to_go_on_with=lambda rows: recent_rows(rows, params.warm_rows),
        )
        logger.info("updated retriever=%s rows=%d seconds=%.1f", name, len(log.items), time.monotonic() - began)
    return parts


def unchanged(bundle: Path, other: Path, name: str) -> bool:
    """Whether two bundles have the same retriever of a name, to the byte."""
    files, others = (
        {path: digest for path, digest in read_manifest(one).files.items() if path.startswith(f"retrievers/{name}/")}
        for one in (bundle, other)
    )
    return bool(files) and files == others


def write_updated(bundle: Path, target: Path, parts: Mapping[str, Retriever], params: Params) -> Manifest:
    """Writes and seals in `target` (not there yet) the bundle with these retrievers; those kept are copied as they are.

    Catalogue, text vectors, ranker and reranker are the release's; the manifest says the same of data, params and code.
    """
    renewed = [name for name in parts if name not in params.keep]
    shutil.copytree(bundle, target, ignore=shutil.ignore_patterns(MANIFEST))
    for name in renewed:
        shutil.rmtree(target / "retrievers" / name)
        parts[name].save(target / "retrievers" / name)
    return seal_like(target, read_manifest(bundle))


def check_overrides(bundle: Path, params: Params) -> None:
    """Checks the names of `keep` and `overrides`, and the params themselves, before anything is fitted.

    Raises:
        UserError: a param is none of that retriever, or a name is no retriever at all.
    """
    for name in [*params.keep, *params.overrides]:
        load_part("retriever", name)
    for name in set(read_plan(bundle).retrievers) & set(params.overrides):
        _params_of(name, bundle / "retrievers" / name, params)


def _params_of(name: str, folder: Path, params: Params) -> BaseModel:
    saved, other = params_of(name, folder), params.overrides.get(name)
    if not other:
        return saved
    kind = type(saved)
    unknown = sorted(set(other) - set(kind.model_fields))
    if unknown:
        raise UserError(
            f"params.yaml: section 'update.overrides.{name}' names {unknown}; the params of {name} are "
            f"{sorted(kind.model_fields)}"
        )
    changed: BaseModel = parse(f"update.overrides.{name}", saved.model_dump() | other, kind)
    return changed
