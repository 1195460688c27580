"""What the command line does once `main` has put the parts together; one file, one command."""
