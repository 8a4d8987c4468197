"""Download: where a source's files are: at --path, in the data cache, or by download; else how to get them."""

from __future__ import annotations

import hashlib
import logging
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from features.errors import UserError

logger = logging.getLogger(__name__)

TIMEOUT_S = 20
BLOCK = 1 << 20


@dataclass(frozen=True)
class Download:
    """`names` are looked for in the cache, those with `expected_files` count; the host of `url` publishes its `md5`."""

    instructions: str
    names: tuple[str, ...] = ()
    expected_files: tuple[str, ...] = ()
    url: str | None = None
    md5: str | None = None


DOWNLOADS = {
    "movielens": Download(
        instructions="get a zip from https://grouplens.org/datasets/movielens/ (100k, 1m, latest, …) and give it with "
        "--path",
        names=tuple(
            f"ml-{name}{ending}"
            for name in ("1m", "latest-small", "100k", "latest", "25m", "20m", "32m", "10m")
            for ending in (".zip", "")
        ),
        expected_files=("ratings.dat", "ratings.csv", "u.data"),
        url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
        md5="c4d9eecfca2ab87c1945afe126590906",
    ),
    "goodbooks": Download(
        instructions="get https://github.com/zygmuntz/goodbooks-10k (its zip or a clone) and give it with --path",
        names=("goodbooks-10k.zip", "goodbooks-10k", "goodbooks-10k-master.zip", "goodbooks-10k-master", "goodbooks"),
        expected_files=("ratings.csv",),
    ),
    "amazon": Download(
        instructions="get a category's review and metadata files from https://amazon-reviews-2023.github.io into one "
        "folder and give it with --path",
        names=("amazon",),
        expected_files=("*.json", "*.jsonl", "*.json.gz", "*.jsonl.gz"),
    ),
    "mind": Download(
        instructions="get MINDsmall_train from https://msnews.github.io (its licence has to be accepted) "
        "and give the zip or folder with --path",
        names=("MINDsmall_train.zip", "MINDsmall_train", "MINDsmall", "mind"),
        expected_files=("behaviors.tsv",),
    ),
    "recbole": Download(
        instructions="give a folder of atomic files with --path; RecBole's own are listed at https://recbole.io/dataset_list.html"
    ),
    "parquet": Download(
        instructions="give a folder that holds interactions.parquet with --path, or files of any name with "
        "--interactions FILE --items FILE"
    ),
    "csv": Download(
        instructions="give a folder that holds interactions.csv, or one csv file, with --path, or files of any "
        "name with --interactions FILE --items FILE"
    ),
    "shopify": Download(
        instructions="export orders and products as csv (Orders > Export, Products > Export) into one folder and give "
        "it with --path, or the files with --interactions ORDERS --items PRODUCTS"
    ),
    "woocommerce": Download(
        instructions="export products (Products > Export) and orders (an order export plugin, one row a line item) as "
        "csv into one folder and give it with --path, or the files with --interactions ORDERS --items PRODUCTS"
    ),
}


def find_input(source: str, path: Path | None, data_cache: Path | None) -> Path:
    """The file or folder to import: `path`, else what the cache has, else a download into the cache.

    Raises:
        UserError: nothing is there; says how to get it.
    """
    if path is not None:
        return path
    download = DOWNLOADS[source]
    if data_cache is not None:
        if download.names and not data_cache.is_dir():
            raise UserError(f"RECOPS_DATA_CACHE={data_cache}: no such folder; make it, unset it, or give --path")
        for name in download.names:
            candidate = data_cache / name
            if candidate.is_file() or any(
                any(candidate.glob(f"{deep}{mark}")) for mark in download.expected_files for deep in ("", "*/")
            ):
                return candidate
    looked = (
        f" and RECOPS_DATA_CACHE ({data_cache}) has none of {list(download.names)}"
        if data_cache and download.names
        else ""
    )
    absent = f"{source}: no --path{looked}"
    if download.url is None or download.md5 is None:
        raise UserError(f"{absent}; {download.instructions}")
    return _download(download.url, download.md5, data_cache or _own_cache(), f"{absent}; {download.instructions}")


def _own_cache() -> Path:
    """Where downloads go when no cache is set."""
    return Path.home() / ".cache" / "recops"


def _download(url: str, md5: str, cache: Path, otherwise: str) -> Path:
    """The file in the cache, checked against its md5; a broken download leaves nothing."""
    target = cache / url.rpartition("/")[2]
    if target.is_file() and _md5(target) == md5:
        return target
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    logger.info("downloading url=%s", url)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, part.open("wb") as file:
            while block := answer.read(BLOCK):
                file.write(block)
        if _md5(part) != md5:
            raise UserError(f"{url}: what was downloaded has another checksum than {md5}; {otherwise}")
        part.replace(target)
    except (OSError, urllib.error.URLError) as error:
        why = getattr(error, "reason", None) or error
        raise UserError(f"{url}: cannot be downloaded ({why}); {otherwise}") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
