"""Asking a language server: what is open, within a budget, into the ledger and data/answers; stages never come here."""
