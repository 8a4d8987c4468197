"""What is held of users in memory, and how it is read and written beside the requests; nothing here speaks HTTP."""
