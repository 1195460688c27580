"""An invisible mark that finds a picture's record again. Its key is public: it proves nothing, and anyone can remove it."""

from studio.stamps.watermark.embed import Marked, embed
from studio.stamps.watermark.read import Found, read
from studio.stamps.watermark.stamp import ALGORITHM, WatermarkStamp, WatermarkWitness, mark_of

__all__ = ["ALGORITHM", "Found", "Marked", "WatermarkStamp", "WatermarkWitness", "embed", "mark_of", "read"]
