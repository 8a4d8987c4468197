"""Whether a challenger may go live, in figures and in words; nothing here computes a metric."""
