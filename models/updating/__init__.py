"""Updates of a release between two trainings: which parts learn again, from which rows, and whether that pays.

Nothing here reads a project, an event log or a release.
"""
