"""Simulation: a world with known truth, from which the simulator source draws its tables."""
