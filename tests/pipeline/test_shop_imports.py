"""A shop's exports from `recops data import` to a split, and the mistakes that people make on the way."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from features.events.event_log import EventLog, NewEvent
from features.privacy.hashed_ids import IdHasher
from tests.support.command_line import recops_here
from tests.support.made_shops import made_orders, shopify, woocommerce
from tests.support.workspace import make_workspace, recops

KEY = "a key of the test, long enough"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Path:
    return make_workspace(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    shopify(folder / "shopify", made_orders())
    woocommerce(folder / "woocommerce", made_orders())
    return folder


def split(project: Path) -> pl.DataFrame:
    recops(project, "run", "--until", "split", "--quiet")
    parts = [pl.read_parquet(project / "data" / "split" / f"{part}.parquet") for part in ("train", "valid", "test")]
    assert all(part.height for part in parts)
    return pl.concat(parts)


def test_a_shopify_export_reaches_the_split_with_hashed_customers(project: Path, exports: Path) -> None:
    done = recops(
        project, "data", "import", "shopify", "--path", str(exports / "shopify"), "--hash-ids", RECOPS_ID_KEY=KEY
    )
    assert done.stdout.rstrip().endswith("next: recops run")
    assert "(100%) met a product" in done.stdout
    rows = split(project)
    assert set(rows["event"].unique()) == {"purchase", "cancel"}
    hasher = IdHasher(KEY)
    assert hasher("customer7@example.com") in rows["user_id"].to_list()
    assert rows["user_id"].str.starts_with("hid_").all()
    assert json.loads((project / "data/tables/source.json").read_text())["id_key"] == hasher.fingerprint
    for kept in (project / "params.yaml", project / "data/raw/source.json"):
        assert KEY not in kept.read_text() and "example.com" not in kept.read_text().lower()
    refused = recops(project, "data", "import", "shopify", "--path", str(exports / "shopify"), "--append", check=False)
    assert refused.returncode == 2
    assert "the ids in" in refused.stderr and "add --hash-ids" in refused.stderr


@pytest.mark.soak
def test_a_woocommerce_export_reaches_the_split(project: Path, exports: Path) -> None:
    done = recops(project, "data", "import", "woocommerce", "--path", str(exports / "woocommerce"))
    assert "(100%) met a product" in done.stdout and "decimal comma" in done.stdout
    rows = split(project)
    assert set(rows["item_id"].unique()) == {str(100 + product) for product in range(40)}


def test_files_of_any_name_are_imported_as_csv(project: Path, exports: Path) -> None:
    orders, products = (
        exports / "shopify" / f"{name}_export{n}.csv" for name, n in (("orders", "_1"), ("products", ""))
    )
    given = ["--interactions", str(orders), "--items", str(exports / "plain.csv"), "--set", "event=purchase"]
    pl.read_csv(products).select("Variant SKU", "Title", "Tags").write_csv(exports / "plain.csv")
    done = recops(project, "data", "import", "csv", *given)
    assert "item_id = Lineitem sku" in done.stdout and "commas part the lists" in done.stdout
    assert "filled from the row above of the same 'Name'" in done.stdout
    rows = pl.read_parquet(project / "data" / "raw" / "interactions.parquet")
    assert rows["event"].unique().to_list() == ["purchase"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("csv", "--map", "user_id=a", "--map", "user_id=b"), "--map user_id is given twice, as 'a' and as 'b'"),
        (("csv", "--set", "event"), "--set 'event' is not of the form column=value"),
        (("csv", "--items", "x.csv"), "--items without --interactions FILE"),
        (
            ("csv", "--path", "x", "--interactions", "y"),
            "by --path or by --interactions, --items and --users, not by both",
        ),
        (("movielens", "--interactions", "y"), "movielens: its files and columns are fixed"),
        (("csv", "--interactions", "absent.csv"), "absent.csv: no such file"),
        (("shopify",), "shopify: no --path; export orders and products as csv"),
        (("csv", "--interactions", "y", "--hash-ids"), "--hash-ids: RECOPS_ID_KEY is not set; make a key once with"),
    ],
)
def test_a_mistake_is_one_paragraph(project: Path, arguments: tuple[str, ...], says: str) -> None:
    done = recops_here(project, "data", "import", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr


def test_events_need_the_key_to_be_exported_into_hashed_data(project: Path, exports: Path) -> None:
    recops(project, "data", "import", "shopify", "--path", str(exports / "shopify"), "--hash-ids", RECOPS_ID_KEY=KEY)
    log = EventLog(f"sqlite:///{project / '.recops' / 'events.db'}")
    log.append([NewEvent("customer7@example.com", "product-1", "purchase", timestamp=None)])
    log.close()
    refused = recops(project, "events", "export", check=False)
    assert refused.returncode == 2 and "RECOPS_ID_KEY is not set" in refused.stderr
    recops(project, "events", "export", RECOPS_ID_KEY=KEY)
    for table in ("interactions", "quarantine"):
        kept = pl.read_parquet(project / "data" / "raw" / f"{table}.parquet").write_ndjson()
        assert "customer7@example.com" not in kept
