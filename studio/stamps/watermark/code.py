"""The mark's error-correcting code: 48 bits and their CRC-16 in a BCH(127, 64) word that mends 10 wrong bits.

Bose and Ray-Chaudhuri 1960; decoding by Berlekamp (1968) and Massey (1969) with Chien's search (1964); Chase's second
algorithm (1972) turns the least reliable bits over. Bits are lists of 0 and 1, the first the highest power.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache

LENGTH, DATA, MENDS = 127, 64, 10
PAYLOAD_BYTES = 6
_PRIMITIVE = 0b10001001
"""x⁷ + x³ + 1."""
_CHASE = 5


@cache
def _field() -> tuple[list[int], list[int]]:
    """Powers of the primitive element (twice round) and their logarithms, GF(128)."""
    powers, logs, value = [0] * 254, [0] * 128, 1
    for place in range(127):
        powers[place] = powers[place + 127] = value
        logs[value] = place
        value <<= 1
        if value & 128:
            value ^= _PRIMITIVE
    return powers, logs


def _multiply(a: int, b: int) -> int:
    powers, logs = _field()
    return powers[logs[a] + logs[b]] if a and b else 0


@cache
def generator() -> int:
    """The generator polynomial, bit i the factor of xⁱ: the product of the minimal polynomials of α¹ … α²⁰."""
    powers, _ = _field()
    roots = sorted({(power << shift) % 127 for power in range(1, 2 * MENDS + 1) for shift in range(7)})
    factors = [1]
    for root in roots:
        shifted, scaled = [0, *factors], [*(_multiply(factor, powers[root]) for factor in factors), 0]
        factors = [a ^ b for a, b in zip(shifted, scaled, strict=True)]
    return sum(1 << place for place, factor in enumerate(factors) if factor)


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def encode(payload: bytes) -> list[int]:
    """The 127 bits of a payload of 6 bytes."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError("a payload has 6 bytes")
    data = int.from_bytes(payload + crc16(payload).to_bytes(2, "big"), "big") << (LENGTH - DATA)
    rest, divisor = data, generator()
    for place in range(LENGTH - 1, LENGTH - DATA - 1, -1):
        if rest >> place & 1:
            rest ^= divisor << (place - (LENGTH - DATA))
    return [(data | rest) >> place & 1 for place in range(LENGTH - 1, -1, -1)]


def decode(reliabilities: Sequence[float]) -> bytes | None:
    """The payload of 127 soft bits (positive is 1, the size is the certainty); None if there is none."""
    hard = [1 if value > 0 else 0 for value in reliabilities]
    weakest = sorted(range(LENGTH), key=lambda place: abs(reliabilities[place]))[:_CHASE]
    for count in range(_CHASE + 1):
        for places in itertools.combinations(weakest, count):
            word = hard.copy()
            for place in places:
                word[place] ^= 1
            mended = _mend(word)
            if mended is not None and (payload := _checked(mended)) is not None:
                return payload
    return None


def _checked(word: Sequence[int]) -> bytes | None:
    data = int("".join(map(str, word[:DATA])), 2).to_bytes(8, "big")
    payload = data[:PAYLOAD_BYTES]
    return payload if crc16(payload) == int.from_bytes(data[PAYLOAD_BYTES:], "big") else None


def _mend(word: list[int]) -> list[int] | None:
    """The code word within ten bits, or None."""
    syndromes = _syndromes(word)
    if not any(syndromes):
        return word
    locator = _locator(syndromes)
    if len(locator) - 1 > MENDS:
        return None
    powers, logs = _field()
    wrong = []
    for place in range(LENGTH):
        value = 0
        for degree, factor in enumerate(locator):
            value ^= powers[(logs[factor] + degree * (127 - place)) % 127] if factor else 0
        if value == 0:
            wrong.append(place)
    if len(wrong) != len(locator) - 1:
        return None
    mended = word.copy()
    for place in wrong:
        mended[LENGTH - 1 - place] ^= 1
    return None if any(_syndromes(mended)) else mended


def _syndromes(word: Sequence[int]) -> list[int]:
    powers, _ = _field()
    places = [LENGTH - 1 - place for place, bit in enumerate(word) if bit]
    found = [0] * (2 * MENDS)
    for power in range(1, 2 * MENDS + 1):
        for place in places:
            found[power - 1] ^= powers[place * power % 127]
    return found


def _locator(syndromes: Sequence[int]) -> list[int]:
    """Berlekamp and Massey: the shortest register that makes the syndromes, lowest degree first."""
    powers, logs = _field()
    current, before = [1], [1]
    length, gap, last = 0, 1, 1
    for step, syndrome in enumerate(syndromes):
        wrong = syndrome
        for place in range(1, min(length, len(current) - 1) + 1):
            wrong ^= _multiply(current[place], syndromes[step - place])
        if wrong == 0:
            gap += 1
            continue
        factor = powers[(logs[wrong] - logs[last]) % 127]
        longer = current + [0] * (len(before) + gap - len(current))
        for place, value in enumerate(before):
            longer[place + gap] ^= _multiply(factor, value)
        if 2 * length <= step:
            before, length, last, gap = current, step + 1 - length, wrong, 1
        else:
            gap += 1
        current = longer
    while current and current[-1] == 0:
        current.pop()
    return current
