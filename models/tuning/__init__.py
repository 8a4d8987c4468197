"""Objective and search space of tuning; no files here."""
