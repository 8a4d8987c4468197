"""Talking to a running service from a terminal. No understanding: the service does that."""
