"""Feature tables and their as-of join; nothing here is asked while serving."""
