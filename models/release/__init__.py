"""A bundle, its plan, its second fit and the store of releases; nothing here asks a recommender."""
