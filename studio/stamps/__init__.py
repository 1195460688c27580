"""Marks on a picture: one file, one mark, write and read side by side."""
