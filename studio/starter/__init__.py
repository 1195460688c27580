"""The embedded starter model: its weights, the renderer of its training pictures, its training and its evaluation.

Importing this package does nothing. ``model/`` is a plain diffusers folder; ``MODEL_CARD.md`` says how it was made.
"""

from pathlib import Path

MODEL_DIR = Path(__file__).parent / "model"
