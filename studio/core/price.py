"""What a hosted picture costs by its provider's published table, in US dollars."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from studio.core.request import Size

MEGAPIXEL = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Price:
    """`picture` pays for a picture of up to one megapixel, `megapixel` for each further one begun.

    `date` is the day of the table it was read from, `source` says which; `varies` that the true price depends on more
    (tokens, input pictures, seconds), so that this is a guess.
    """

    picture: float
    megapixel: float = 0.0
    date: str = ""
    source: str = ""
    varies: bool = False

    def of(self, size: Size | None, count: int = 1) -> float:
        """Dollars for `count` pictures of this size; None counts as one megapixel."""
        more = max(0, ceil(size.width * size.height / MEGAPIXEL) - 1) if size else 0
        return round(count * (self.picture + self.megapixel * more), 6)


def dollars(amount: float) -> str:
    """`$0.03`, `$0.0014`, `$12.50`: two places, or as many as a small amount needs."""
    short = amount >= 1 or round(amount, 2) == round(amount, 4)
    return f"${amount:.2f}" if short else f"${amount:.4f}"
