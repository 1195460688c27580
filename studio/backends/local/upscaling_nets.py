"""The networks of upscaling models, as their papers describe them and with the names their checkpoints have.

RRDBNet: Wang et al. 2018, https://arxiv.org/abs/1809.00219; with pixel unshuffle and the compact network: Wang et al. 2021,
https://arxiv.org/abs/2107.10833. Pictures are [batch, 3, height, width] from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

RESIDUAL = 0.2


def _conv(taken: int, given: int) -> nn.Conv2d:
    return nn.Conv2d(taken, given, 3, 1, 1)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the results of all before it."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for number in range(1, 6):
            given = growth if number < 5 else features
            self.add_module(f"conv{number}", _conv(features + (number - 1) * growth, given))

    def forward(self, x: Any) -> Any:
        seen = [x]
        for number in range(1, 5):
            made = getattr(self, f"conv{number}")(torch.cat(seen, 1))
            seen.append(functional.leaky_relu(made, 0.2))
        last: nn.Module = self.get_submodule("conv5")
        return last(torch.cat(seen, 1)) * RESIDUAL + x


class ResidualBlock(nn.Module):
    """Three dense blocks in a row, added to what came in."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(features, growth) for _ in range(3))

    def forward(self, x: Any) -> Any:
        return self.rdb3(self.rdb2(self.rdb1(x))) * RESIDUAL + x


class RRDBNet(nn.Module):
    """`ups` doublings behind the blocks; `shuffle` above 1 halves (or quarters) the picture into channels first."""

    def __init__(self, *, taken: int, given: int, features: int, blocks: int, growth: int, ups: int, shuffle: int) -> None:
        super().__init__()
        self.shuffle, self.ups = shuffle, ups
        self.conv_first = _conv(taken, features)
        self.body = nn.Sequential(*(ResidualBlock(features, growth) for _ in range(blocks)))
        self.conv_body = _conv(features, features)
        for number in range(1, ups + 1):
            self.add_module(f"conv_up{number}", _conv(features, features))
        self.conv_hr, self.conv_last = _conv(features, features), _conv(features, given)

    def forward(self, x: Any) -> Any:
        height, width = x.shape[-2:]
        if self.shuffle > 1:
            x = functional.pad(x, (0, -width % self.shuffle, 0, -height % self.shuffle), mode="reflect")
            x = functional.pixel_unshuffle(x, self.shuffle)
        first = self.conv_first(x)
        x = first + self.conv_body(self.body(first))
        for number in range(1, self.ups + 1):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = functional.leaky_relu(getattr(self, f"conv_up{number}")(x), 0.2)
        x = self.conv_last(functional.leaky_relu(self.conv_hr(x), 0.2))
        scale = 2**self.ups // self.shuffle
        return x[..., : height * scale, : width * scale]


class Compact(nn.Module):
    """Convolutions at the small size; the last one gives all pixels of the large picture, on top of the nearest ones."""

    def __init__(self, *, taken: int, features: int, convolutions: int, scale: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(taken, features), nn.PReLU(features)]
        for _ in range(convolutions):
            layers += [_conv(features, features), nn.PReLU(features)]
        self.body = nn.ModuleList([*layers, _conv(features, taken * scale * scale)])
        self.scale = scale

    def forward(self, x: Any) -> Any:
        made = x
        for layer in self.body:
            made = layer(made)
        return functional.pixel_shuffle(made, self.scale) + functional.interpolate(
            x, scale_factor=self.scale, mode="nearest"
        )
