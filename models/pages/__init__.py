"""The report for people who decide: one html file that needs no network, no script and no statistics."""
