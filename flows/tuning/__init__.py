"""The search for better params, with its files; what a trial is worth is in models/tuning."""
