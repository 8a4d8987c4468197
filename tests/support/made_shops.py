"""A made shop's exports as Shopify and WooCommerce write them: 40 products with variants, orders over four months."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

KINDS = ("Hat", "Scarf", "Mug", "Lamp", "Bag")
COLORS = ("Red", "Blue", "Green", "Black")
ADJECTIVES = ("Wool", "Linen", "Ash", "Clay")
SIZES = ("S", "M")


@dataclass(frozen=True)
class Line:
    """One line of an order: product number, size, how many."""

    product: int
    size: str
    quantity: int


@dataclass(frozen=True)
class Order:
    """An order of a customer (None: a guest) at an instant."""

    number: int
    customer: int | None
    at: datetime
    lines: list[Line]
    cancelled: bool


def title(product: int) -> str:
    return f"{ADJECTIVES[product % 4]} {KINDS[product // 4 % 5]} {COLORS[product // 20 % 4]}"


def made_orders(n_customers: int = 120, n_orders: int = 600, n_products: int = 40, seed: int = 3) -> list[Order]:
    """Customers who come back to the kinds of things that they bought before."""
    chance = random.Random(seed)
    taste = [chance.randrange(5) for _ in range(n_customers)]
    orders = []
    for number in range(1001, 1001 + n_orders):
        customer = chance.randrange(n_customers)
        at = datetime(2024, 1, 1, 8, tzinfo=UTC) + timedelta(minutes=290 * (number - 1001) + chance.randrange(200))
        liked = [product for product in range(n_products) if product // 4 % 5 == taste[customer]]
        chosen = chance.sample(liked, 2) + [chance.randrange(n_products)]
        lines = [
            Line(product, chance.choice(SIZES), chance.randint(1, 3)) for product in chosen[: chance.randint(1, 3)]
        ]
        guest = chance.random() < 0.03
        orders.append(Order(number, None if guest else customer, at, lines, chance.random() < 0.05))
    return orders


def shopify(folder: Path, orders: list[Order], n_products: int = 40) -> Path:
    """orders_export_1.csv and products_export.csv in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["Name", "Email", "Financial Status", "Paid at", "Created at", "Lineitem quantity", "Lineitem name"]
    names += ["Lineitem price", "Lineitem sku", "Billing Name", "Cancelled at", "Id"]
    zone = timezone(timedelta(hours=2))
    rows = []
    for order in orders:
        at = order.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z")
        email = "" if order.customer is None else f"Customer{order.customer}@Example.com"
        first = [f"#{order.number}", email, "voided" if order.cancelled else "paid", at, at]
        last = ["A Name", at if order.cancelled else "", str(order.number)]
        for place, line in enumerate(order.lines):
            bought = [line.quantity, f"{title(line.product)} - {line.size}", "19.90", f"P{line.product:03}-{line.size}"]
            rows.append(
                [*(first if place == 0 else [first[0], *[""] * 4]), *bought, *(last if place == 0 else [""] * 3)]
            )
    _write(folder / "orders_export_1.csv", names, rows)
    names = ["Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value"]
    names += ["Variant SKU", "Variant Price", "Image Src"]
    rows = []
    for product in range(n_products):
        handle, kind = f"product-{product}", KINDS[product // 4 % 5]
        about = [title(product), f"<p>A {title(product)} &amp; more</p>", "North", kind, f"{kind}, gift", "true"]
        for place, size in enumerate(SIZES):
            told = about if place == 0 else [""] * 6
            variant = ["Size", size, f"P{product:03}-{size}", "19.90", f"https://cdn.example/{product}.jpg"]
            rows.append([handle, *told, *variant])
    _write(folder / "products_export.csv", names, rows)
    return folder


def woocommerce(folder: Path, orders: list[Order], n_products: int = 40) -> Path:
    """orders.csv of an order export plugin and wc-product-export.csv in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["Order Number", "Order Status", "Order Date", "Email (Billing)", "SKU", "Item #", "Item Name"]
    names += ["Quantity (- Refund)", "Item Cost"]
    rows = [
        [
            *(order.number, "Cancelled" if order.cancelled else "Completed", order.at.strftime("%Y-%m-%d %H:%M")),
            "" if order.customer is None else f"customer{order.customer}@example.com",
            *(f"P{line.product:03}-{line.size}", place, f"{title(line.product)} - {line.size}", line.quantity, "19,90"),
        ]
        for order in orders
        for place, line in enumerate(order.lines, 1)
    ]
    _write(folder / "orders.csv", names, rows)
    names = ["ID", "Type", "SKU", "Name", "Published", "Short description", "Description", "Regular price"]
    names += ["Categories", "Tags", "Images", "Parent"]
    rows = []
    for product in range(n_products):
        kind, sku = KINDS[product // 4 % 5], f"P{product:03}"
        about = [
            "",
            f"<p>A {title(product)}</p>",
            "",
            f"Home > {kind}",
            "gift, made",
            f"https://s.example/{product}.jpg",
        ]
        rows.append([100 + product, "variable", sku, title(product), 1, *about, ""])
        for place, size in enumerate(SIZES):
            identity = [1000 + 2 * product + place, "variation", f"{sku}-{size}", f"{title(product)} - {size}", 1]
            rows.append([*identity, "", "", "19,90", "", "", "", sku])
    _write(folder / "wc-product-export.csv", names, rows)
    return folder


def _write(path: Path, names: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
