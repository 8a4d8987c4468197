"""HTTP: answer and record."""
