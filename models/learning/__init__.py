"""Learning between releases: the parts of a released recommender, advanced by the events that came since.

Nothing here knows who asks.
"""
