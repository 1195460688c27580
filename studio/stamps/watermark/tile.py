"""The mark's pattern: a tile of 128 × 128 units that repeats over the picture, and how a picture answers to it.

Spread spectrum (Cox, Kilian, Leighton, Shamoon 1997) on complex Fourier coefficients of the tile with 6 to 30 cycles,
axes left out, phases from a public key. Three in ten are the pilot, which finds place and scale; the others carry the code
bits, one in the real and one in the imaginary part. A unit is one pixel up to 1448² pixels, then 2, 4, …
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.stamps.watermark.code import LENGTH

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

TILE = 128
INNER, OUTER = 6, 30
PILOT_SHARE = 0.3
KEY = 20261123
UNIT_PIXELS = 1 << 20
"""A picture of this many pixels has units of one pixel; one of four times as many, of two."""
_FINE, _COARSE = 3.0, 9
CALM = 2.0


@dataclass(frozen=True)
class Carriers:
    """Half the plane of frequencies: `u` (down) and `v` (across) in cycles a tile, `phases`, and what each is for.

    `bits` and `quadrature` give the code bit in the real and in the imaginary part; -1 for the pilot.
    """

    u: NDArray[np.int64]
    v: NDArray[np.int64]
    phases: Complexes
    pilot: NDArray[np.bool_]
    bits: NDArray[np.int64]
    quadrature: NDArray[np.int64]
    ring: NDArray[np.int64]


@cache
def carriers() -> Carriers:
    """The carriers of the public key."""
    rng = np.random.Generator(np.random.PCG64(KEY))
    u, v = (axis.ravel() for axis in np.meshgrid(np.arange(-OUTER, OUTER + 1), np.arange(1, OUTER + 1), indexing="ij"))
    radius = np.hypot(u, v)
    kept = (radius >= INNER) & (radius <= OUTER) & (u != 0)
    u, v, radius = u[kept], v[kept], radius[kept]
    phases = np.exp(2j * np.pi * rng.random(u.size)).astype(np.complex64)
    pilot = np.zeros(u.size, bool)
    pilot[rng.permutation(u.size)[: round(PILOT_SHARE * u.size)]] = True
    bits = np.full((2, u.size), -1)
    data = np.flatnonzero(~pilot)
    places = rng.permutation(2 * data.size)
    bits.reshape(-1)[np.concatenate([data, u.size + data])[places]] = np.arange(2 * data.size) % LENGTH
    return Carriers(u, v, phases, pilot, bits[0], bits[1], np.minimum((radius - INNER).astype(np.int64) // 3, 7))


def pattern(signs: Floats) -> Floats:
    """The tile [128, 128] for signed gains of the 127 bits, with a root mean square near one for gains of one."""
    known = carriers()
    values = np.where(known.pilot, 1.0, (signs[known.bits] + 1j * signs[known.quadrature]) / math.sqrt(2))
    spectrum = np.zeros((TILE, TILE), np.complex64)
    spectrum[known.u % TILE, known.v] = values * known.phases
    tile = np.fft.ifft2(spectrum).real * (TILE * TILE)
    return (tile / math.sqrt(known.u.size / 2)).astype(np.float32)


def cover(tile: Floats, shape: tuple[int, int]) -> Floats:
    """The tile repeated over a picture of this shape."""
    rows, columns = (-(-side // TILE) for side in shape)
    return np.tile(tile, (rows, columns))[: shape[0], : shape[1]]


def texture(luma: Floats) -> tuple[Floats, Floats]:
    """The fine part of the luma, and how lively its neighbourhood is (a standard deviation); both of its shape."""
    from scipy.ndimage import gaussian_filter, uniform_filter

    fine = luma - gaussian_filter(luma, _FINE, truncate=2.0, mode="nearest")
    lively = np.sqrt(uniform_filter(fine * fine, _COARSE, mode="nearest").clip(0))
    return fine, lively


def answer(luma: Floats, scale: float = 1.0) -> Complexes:
    """How strongly each carrier is in a picture [h, w] whose units have `scale` pixels; whitened within rings of frequency.

    Mean magnitude in a ring is one, so that no part of the picture, and no frequency, drowns the others.
    """
    fine, lively = texture(luma)
    return whitened(measure(fine / (lively + CALM), scale))


def measure(signal: Floats, scale: float = 1.0) -> Complexes:
    """The raw coefficients of all carriers by two matrix products."""
    known = carriers()
    rows = np.exp(-2j * np.pi / (TILE * scale) * np.outer(np.arange(-OUTER, OUTER + 1), np.arange(signal.shape[0])))
    columns = np.exp(-2j * np.pi / (TILE * scale) * np.outer(np.arange(signal.shape[1]), np.arange(1, OUTER + 1)))
    across = signal @ columns.real.astype(np.float32) + 1j * (signal @ columns.imag.astype(np.float32))
    table = rows.astype(np.complex64) @ across.astype(np.complex64)
    found: Complexes = table[known.u + OUTER, known.v - 1]
    return found


def whitened(values: Complexes) -> Complexes:
    """Each ring of frequencies at the same level, single strong lines held down to two and a half times that."""
    known = carriers()
    power = np.bincount(known.ring, np.abs(values) ** 2, minlength=8) / np.maximum(np.bincount(known.ring, minlength=8), 1)
    level = np.sqrt(power + 1e-12)[known.ring]
    even = values / level
    size = np.abs(even)
    return (even * np.minimum(1.0, 2.5 / np.maximum(size, 1e-6))).astype(np.complex64)


def align(values: Complexes) -> tuple[float, int, int]:
    """Where the pilot fits best: its z-value, and the shift of the tile in units down and across."""
    known = carriers()
    own = values[known.pilot] * np.conj(known.phases[known.pilot])
    plane = np.zeros((TILE, TILE), np.complex64)
    plane[known.u[known.pilot] % TILE, known.v[known.pilot]] = own
    match = np.fft.ifft2(plane).real * (TILE * TILE)
    place = int(match.argmax())
    spread = math.sqrt(float((np.abs(own) ** 2).sum()) / 2) or 1.0
    return float(match.flat[place]) / spread, place // TILE, place % TILE


def bits_of(values: Complexes, down: int = 0, across: int = 0) -> Floats:
    """Soft code bits [127] in standard deviations of a picture without a mark, the tile being shifted by so much."""
    known = carriers()
    turn = np.exp(2j * np.pi / TILE * (known.u * down + known.v * across))
    own = values * turn * np.conj(known.phases)
    data = ~known.pilot
    sums = np.bincount(known.bits[data], own.real[data], minlength=LENGTH)
    sums += np.bincount(known.quadrature[data], own.imag[data], minlength=LENGTH)
    counts = np.bincount(np.concatenate([known.bits[data], known.quadrature[data]]), minlength=LENGTH)
    spread = math.sqrt(float((np.abs(own[data]) ** 2).mean()) / 2) or 1.0
    soft: Any = sums / (np.sqrt(counts) * spread)
    return np.asarray(soft, np.float32)


def unit_of(width: int, height: int) -> int:
    """Pixels of one unit for a picture of this size: 1, 2, 4, …"""
    return int(2 ** max(0, round(math.log2(math.sqrt(width * height / UNIT_PIXELS)))))
