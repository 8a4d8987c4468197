"""A user's state in memory, and its rows in the online store; when to read and write them is the service's matter."""
