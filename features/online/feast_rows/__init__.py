"""Rows of Feast's online stores in Feast's own format, for processes that must not wait for the import of Feast."""
