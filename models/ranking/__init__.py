"""From candidates to a trained ranker; the rankers themselves are in models/rankers."""
