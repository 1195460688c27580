"""Control pictures without a model: Canny's edges and a soft line drawing, in numpy and Pillow.

Canny, J. (1986), A computational approach to edge detection: gradient, thinning, two thresholds; without his blur first,
because the pictures that ControlNets were trained with were made so. White on black.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

LOW, HIGH = 100.0, 200.0
"""Canny's thresholds of the gradient, those that ControlNets were trained with."""
Values = np.ndarray[Any, np.dtype[np.float32]]


def canny(image: Image.Image) -> Image.Image:
    """Edges one pixel wide, white on black; RGB of the same size."""
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    across, down = _sobel(grey)
    strength = np.abs(across) + np.abs(down)
    thin = strength * _is_ridge(strength, across, down)
    edges = _connected(thin >= HIGH, thin >= LOW)
    return Image.fromarray(np.where(edges, np.uint8(255), np.uint8(0))).convert("RGB")


def lineart(image: Image.Image) -> Image.Image:
    """What is darker than its surroundings as soft bright lines on black (difference of Gaussians); RGB."""
    grey = image.convert("L")
    fine, coarse = (np.asarray(grey.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float32) for blur in (1.0, 3.0))
    lines = np.clip((coarse - fine) * 6.0, 0, 255).astype(np.uint8)
    return Image.fromarray(lines).convert("RGB")


DRAW: Mapping[str, Callable[[Image.Image], Image.Image]] = {"canny": canny, "lineart": lineart}


def _sobel(grey: Values) -> tuple[Values, Values]:
    padded = np.pad(grey, 1, mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    columns = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]


def _is_ridge(strength: Values, across: Values, down: Values) -> np.ndarray[Any, Any]:
    """Where no neighbour along the gradient is stronger; of two equal ones the first stays."""
    angle = np.rad2deg(np.arctan2(down, across)) % 180
    sector = (np.round(angle / 45).astype(int)) % 4
    padded, keep = np.pad(strength, 1), np.zeros(strength.shape, dtype=bool)
    height, width = strength.shape
    for number, (x, y) in enumerate(((1, 0), (1, 1), (0, 1), (-1, 1))):
        ahead = padded[1 + y : 1 + y + height, 1 + x : 1 + x + width]
        behind = padded[1 - y : 1 - y + height, 1 - x : 1 - x + width]
        keep |= (sector == number) & (strength > behind) & (strength >= ahead)
    return keep


def _connected(sure: np.ndarray[Any, Any], possible: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What is possible and hangs together with something sure, corners included."""
    from scipy.ndimage import label

    parts, count = label(possible, structure=np.ones((3, 3)))
    kept = np.zeros(count + 1, dtype=bool)
    kept[np.unique(parts[sure & possible])] = True
    kept[0] = False
    found: np.ndarray[Any, Any] = kept[parts]
    return found
