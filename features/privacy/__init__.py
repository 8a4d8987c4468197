"""Privacy: pseudonymous user ids in data and stores; no tables."""
