"""Evaluations as text, tables, plots and a page; no metric is defined here."""
