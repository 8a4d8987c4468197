"""The bundle: a sealed folder that holds one recommender, with a hash over every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from features.errors import UserError
from features.files import write_text

MANIFEST = "manifest.json"


class BundleError(UserError):
    """A bundle that is missing, incomplete or altered."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of manifest.json: no clock, host or path, so that equal inputs give equal bytes.

    hash: sha256 over the sorted lines `sha256  path` of all files; files: path → sha256;
    features: references of the Feast feature service; data_hash, params_hash, code_version: what it was made from.
    """

    hash: str
    files: dict[str, str]
    features: list[str]
    data_hash: str
    params_hash: str
    code_version: str


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_files(folder: Path) -> dict[str, str]:
    """Path below `folder` (with `/`) → sha256, sorted; the manifest itself left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
    digests.pop(MANIFEST, None)
    return dict(sorted(digests.items()))


def combined_hash(files: dict[str, str]) -> str:
    """One sha256 over a table of files."""
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def seal(folder: Path, *, features: Sequence[str], data_hash: str, params_hash: str, code_version: str) -> Manifest:
    """Writes manifest.json over all files in `folder`; the folder must not change afterwards."""
    files = sha256_of_files(folder)
    if not files:
        raise BundleError(f"bundle {folder}: there is no file to seal; run the stages before it (`dvc repro bundle`)")
    manifest = Manifest(
        hash=combined_hash(files),
        files=files,
        features=list(features),
        data_hash=data_hash,
        params_hash=params_hash,
        code_version=code_version,
    )
    write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n", folder / MANIFEST)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest without verifying the files.

    Raises:
        BundleError: there is none, or it is not one.
    """
    path = folder / MANIFEST
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BundleError(
            f"bundle {folder}: no {MANIFEST}; make one with `recops run` (or name another folder)"
        ) from None
    except (ValueError, TypeError) as error:
        raise BundleError(f"bundle {folder}: {MANIFEST} is not readable ({error}); run `dvc repro bundle`") from None


def unseal(folder: Path) -> Manifest:
    """Reads the manifest and verifies every file against it.

    Raises:
        BundleError: a file is missing, altered or was added since the bundle was sealed.
    """
    manifest = read_manifest(folder)
    actual = sha256_of_files(folder)
    for path, digest in sorted(manifest.files.items()):
        if actual.get(path) != digest:
            raise BundleError(
                f"bundle {folder}: {path} is missing or altered since it was sealed; run `dvc repro bundle`"
            )
    added = sorted(set(actual) - set(manifest.files))
    if added:
        raise BundleError(
            f"bundle {folder}: {added} came in after it was sealed; remove them or run `dvc repro bundle`"
        )
    if combined_hash(manifest.files) != manifest.hash:
        raise BundleError(f"bundle {folder}: the hash in {MANIFEST} does not fit its files; run `dvc repro bundle`")
    return manifest
