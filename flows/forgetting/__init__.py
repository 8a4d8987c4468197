"""Erasing a user from all that the live half keeps; the data that models are trained on are not its matter."""
