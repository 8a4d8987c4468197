"""Exports of shops: headers in many spellings, order lines, products with variants; no single vendor's names here."""
