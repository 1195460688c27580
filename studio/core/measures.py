"""How well scores tell two kinds of pictures apart, and how near two pictures are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import log10

from PIL import Image, ImageChops


def auc(real: Sequence[float], ai: Sequence[float]) -> float | None:
    """The chance that an AI picture scores above a real one, ties counting half (Mann, Whitney 1947); None without both."""
    if not real or not ai:
        return None
    ordered = sorted(real)
    wins = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in ai)
    return wins / (2 * len(real) * len(ai))


def tpr_at(real: Sequence[float], ai: Sequence[float], false_alarms: float = 0.01) -> float | None:
    """The share of AI pictures above the score that at most this share of the real ones exceeds; None without both."""
    if not real or not ai:
        return None
    ordered = sorted(real, reverse=True)
    limit = ordered[int(false_alarms * len(ordered))]
    return sum(value > limit for value in ai) / len(ai)


def histogram(values: Sequence[float], low: float, high: float, bins: int = 20) -> list[int]:
    """Counts in equal bins from `low` to `high`; what lies outside counts in the outermost ones."""
    counts = [0] * bins
    width = (high - low) / bins or 1.0
    for value in values:
        counts[min(max(int((value - low) / width), 0), bins - 1)] += 1
    return counts


def psnr(one: Image.Image, other: Image.Image) -> float | None:
    """Peak signal to noise ratio in decibels of two pictures of one size, over their RGB values; None if they are equal."""
    histogram = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).histogram()
    squares = sum(count * (value % 256) ** 2 for value, count in enumerate(histogram))
    return 10 * log10(255**2 * 3 * one.width * one.height / squares) if squares else None
