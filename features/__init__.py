"""Tables: what the data is, how it is read, checked, cleaned, split, aggregated and looked up."""
