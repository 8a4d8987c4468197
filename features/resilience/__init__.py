"""Resilience: circuit breaker, rate-limited logging and process lifetime; independent of any particular store."""
