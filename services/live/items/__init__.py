"""Items that were posted since a release was made: whether they may be offered, and how they join its vocabulary."""
