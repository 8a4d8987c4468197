"""One query at a time: what the service asks, and the plans by which the parts answer it."""
