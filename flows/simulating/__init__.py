"""The simulated people at a running service. What they are and what they like stands in features/simulation."""
