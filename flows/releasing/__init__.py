"""The steps of a release, and taking releases away; no Prefect here, flows/release.py makes tasks of them."""
