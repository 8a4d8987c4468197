"""Scores of one query's candidates by compiled kernels, the rankers' own to the bit. No queries and no files."""
