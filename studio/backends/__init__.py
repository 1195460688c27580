"""Makers of pictures: one file or folder, one backend. Each only translates between the studio's words and its own world."""
