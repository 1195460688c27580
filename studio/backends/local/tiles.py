"""Large pictures in overlapping tiles, blended without seams: where two tiles meet, one fades into the other.

Deterministic: the tiles come in rows from the top left, sums are in float32.
"""

from __future__ import annotations

from typing import Any

from studio.core.request import Size

Box = tuple[int, int, int, int]


def boxes(size: Size, tile: Size, overlap: int, unit: int = 1) -> list[Box]:
    """Tiles (left, top, right, bottom) that cover `size`, all of one size, at least `overlap` pixels over each other, at
    multiples of `unit`. One tile where it is large enough."""
    across = starts(size.width, min(tile.width, size.width), overlap, unit)
    down = starts(size.height, min(tile.height, size.height), overlap, unit)
    width, height = min(tile.width, size.width), min(tile.height, size.height)
    return [(left, top, left + width, top + height) for top in down for left in across]


def starts(length: int, tile: int, overlap: int, unit: int = 1) -> list[int]:
    """Where tiles begin along one side, evenly spread. `length` and `tile` are multiples of `unit`."""
    if tile >= length:
        return [0]
    count = -(-(length - tile) // max(unit, (tile - overlap) // unit * unit)) + 1
    return [round((length - tile) / unit * place / (count - 1)) * unit for place in range(count)]


class Quilt:
    """Takes tiles as [channels, height, width] and gives the whole. `fade`: pixels over which a tile's inner edge fades."""

    def __init__(self, channels: int, size: Size, fade: int) -> None:
        import torch

        self._size, self._fade = size, max(fade, 1)
        self._sum = torch.zeros(channels, size.height, size.width)
        self._weight = torch.zeros(size.height, size.width)

    def lay(self, box: Box, tile: Any) -> None:
        left, top, right, bottom = box
        weight = self._ramp(top, bottom, self._size.height)[:, None] * self._ramp(left, right, self._size.width)[None, :]
        self._sum[:, top:bottom, left:right] += tile.detach().float().cpu() * weight
        self._weight[top:bottom, left:right] += weight

    def whole(self) -> Any:
        return self._sum / self._weight

    def _ramp(self, begin: int, end: int, length: int) -> Any:
        """Weights along one side: 1 inside, fading towards edges that are not the picture's."""
        import torch

        steps = torch.arange(end - begin, dtype=torch.float32) + 1
        rising = steps if begin > 0 else torch.full_like(steps, float(self._fade))
        falling = steps.flip(0) if end < length else torch.full_like(steps, float(self._fade))
        return (torch.minimum(rising, falling) / self._fade).clamp(max=1.0)


def to_tensor(image: Any) -> Any:
    """An RGB picture as float32 [3, height, width] from 0 to 1."""
    import torch

    data = torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)
    return data.reshape(image.height, image.width, 3).permute(2, 0, 1).float() / 255


def to_image(values: Any) -> Any:
    from PIL import Image

    pixels = (values.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().cpu()
    return Image.frombytes("RGB", (pixels.shape[1], pixels.shape[0]), bytes(pixels.flatten().tolist()))
