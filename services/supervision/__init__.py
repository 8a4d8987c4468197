"""The supervisor process, which owns the port, and its workers; no request is answered here."""
