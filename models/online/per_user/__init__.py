"""What is kept of users between their queries, bounded by memory."""
