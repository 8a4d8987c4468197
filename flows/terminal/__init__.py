"""What a person sees at the terminal: progress, verdicts, tables. It formats and prints; it computes nothing."""
