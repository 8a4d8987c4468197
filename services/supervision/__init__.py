"""The process that owns the port and the workers that answer on it; nothing here answers a request."""
