"""The routes that explain recorded answers: what may stand in their requests, and their answers."""
