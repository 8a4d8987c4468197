"""Reasons of one answer: what each retriever's scores lose without items of the history, by compiled kernels.

Nothing of how scores come about; that is the plans' and the kernels' of `models/online`.
"""
