"""Raters judged outside the DAG, with their cache; formulas are in models/rating and models/evaluation."""
