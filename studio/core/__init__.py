"""The words of the project as plain values: no I/O, no third-party import but Pillow."""
