"""Privacy: what keeps people unnamed in data and stores; no tables."""
