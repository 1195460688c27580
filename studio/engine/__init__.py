"""The line from a request to kept pictures: read `pipeline.py` first."""
