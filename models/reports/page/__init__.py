"""The HTML report for people who decide; figures come in, nothing is computed."""
