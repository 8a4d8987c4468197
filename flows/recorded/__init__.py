"""Work on the flight recorder's records outside of the service: replay, and skew of features."""
