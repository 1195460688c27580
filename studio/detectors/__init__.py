"""Scores of how much a picture looks made by AI: one file, one detector. A signal, never proof."""
