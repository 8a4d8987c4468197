"""Feature tables and their as-of join; not used while serving."""
