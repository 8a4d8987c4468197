"""Tuning: the search for better params, with its files; objective and search space are in models/tuning."""
