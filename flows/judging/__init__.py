"""Judging with files: the test part, its contenders, and what is printed; formulas are in models/evaluation."""
