"""The routes that find items by words: what may stand in their requests, and their answers. No ranking of lists."""
