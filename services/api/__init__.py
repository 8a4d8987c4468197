"""Handlers, schemas and answers of each route; nothing here holds state."""
