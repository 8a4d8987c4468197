"""The transformer for one query: weights prepared once, keys of earlier events kept, the last event computed anew.

Nothing of bundles, other retrievers or HTTP.
"""
