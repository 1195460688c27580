"""A local creative studio: a request becomes a job, a job becomes stamped pictures, stamped pictures are kept."""

__version__ = "0.7.0"
