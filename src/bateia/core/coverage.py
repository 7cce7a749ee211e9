"""Stretches of time: what is known, what is asked for, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

Stretch = tuple[int, int]
"""From the first microsecond to before the second."""


@dataclass(frozen=True)
class Coverage:
    """Half-open stretches of microseconds, in order, none touching another.

    >>> year = Coverage.of([(0, 365)])
    >>> (year - Coverage.of([(10, 20), (15, 30)])).stretches
    ((0, 10), (30, 365))
    """

    stretches: tuple[Stretch, ...] = ()

    @classmethod
    def of(cls, stretches: Iterable[Stretch]) -> Self:
        """From stretches in any order that may overlap; empty ones vanish."""
        merged: list[Stretch] = []
        for start, end in sorted(one for one in stretches if one[0] < one[1]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.stretches)

    def __or__(self, other: Self) -> Self:
        """Time in either."""
        return self.of((*self.stretches, *other.stretches))

    def __and__(self, other: Self) -> Self:
        """Time in both."""
        return self.of((max(a, c), min(b, d)) for a, b in self.stretches for c, d in other.stretches)

    def __sub__(self, other: Self) -> Self:
        """Time in this one only."""
        left = list(self.stretches)
        for start, end in other.stretches:
            left = [piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b))]
            left = [piece for piece in left if piece[0] < piece[1]]
        return self.of(left)

    @property
    def length(self) -> int:
        """Microseconds in all of them."""
        return sum(end - start for start, end in self.stretches)
