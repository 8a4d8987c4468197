"""Data and features: tables, and how they are read, checked, cleaned, split, aggregated and looked up."""
