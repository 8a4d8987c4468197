"""Writing: what is asked and written of items and users, from material to tables; no wire and no files but prompts."""
