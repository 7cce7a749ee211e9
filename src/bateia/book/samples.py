"""Sampled books: the best levels at given moments, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bateia.core import DataError
from bateia.core.events import Block, Floats, Ints
from bateia.kernels import book_measures as kernels


@dataclass(frozen=True, eq=False)
class Samples(Block):
    """The best levels of a book at each `time` (microseconds): the book after every message before it.

    `bid_price[i, j]` is the j-th best bid of sample i, so are the other three; NaN where the book had no such
    level. `messages` counts those since the sample before.
    """

    time: Ints
    messages: Ints
    bid_price: Floats
    bid_size: Floats
    ask_price: Floats
    ask_size: Floats

    @classmethod
    def room(cls, rows: int, depth: int) -> Samples:
        """Samples whose values are not set yet.

        >>> Samples.room(0, 5).ask_size.shape
        (0, 5)
        """
        levels = [np.empty((rows, depth)) for _ in range(4)]
        return cls(np.empty(rows, np.int64), np.empty(rows, np.int64), *levels)

    @property
    def depth(self) -> int:
        """Levels of each side."""
        return int(self.bid_price.shape[1])

    def microprice(self) -> Floats:
        """Best prices, each weighted by the size across: (bid * ask size + ask * bid size) / both sizes."""
        out = np.empty(len(self))
        kernels.microprice(self.bid_price, self.bid_size, self.ask_price, self.ask_size, out)
        return out

    def spread(self) -> Floats:
        """Best ask minus best bid."""
        return np.asarray(self.ask_price[:, 0] - self.bid_price[:, 0])

    def imbalance(self, levels: int = 1) -> Floats:
        """(bid size - ask size) / (bid size + ask size) over the best levels, -1 to 1.

        Source: Cont, Kukanov & Stoikov (2014).
        """
        out = np.empty(len(self))
        kernels.imbalance(self._levels(levels), self.bid_size, self.ask_size, out)
        return out

    def bid_depth(self) -> Floats:
        """Size at each bid and every better one, shape (n, depth)."""
        return _cumulative(self.bid_size)

    def ask_depth(self) -> Floats:
        """Size at each ask and every better one, shape (n, depth)."""
        return _cumulative(self.ask_size)

    def slope(self, levels: int = 10) -> Floats:
        """Size gained per unit of price away from the mid: least squares through 0, mean of the sides."""
        out = np.empty(len(self))
        columns = (self.bid_price, self.bid_size, self.ask_price, self.ask_size)
        kernels.slope(self._levels(levels), *columns, out)
        return out

    def _levels(self, levels: int) -> int:
        if not 1 <= levels <= self.depth:
            raise DataError(f"{levels} levels of a sampled book", allowed=f"1 to {self.depth}, its depth")
        return levels


def _cumulative(size: Floats) -> Floats:
    out = np.empty(size.shape)
    kernels.cumulative(size, out)
    return out
