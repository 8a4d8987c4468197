"""The steps of a release, and the removal of releases; no Prefect here, flows/release.py makes tasks of them."""
