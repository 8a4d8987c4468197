"""Evaluation with files: the test part, the bundles to compare, and printed tables; formulas: models/evaluation."""
