"""Sums over users that grow by new rows; no part is named here, and none is loaded."""
