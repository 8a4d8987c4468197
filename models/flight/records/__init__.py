"""Records of answers and their files; nothing here knows a recommender."""
