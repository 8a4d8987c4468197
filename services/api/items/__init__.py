"""The routes of items: what may stand in their requests, and their answers."""
