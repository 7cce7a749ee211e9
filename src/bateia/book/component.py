"""The order book: a tick size and a depth, and a stream that keeps every level."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from bateia.book.messages import Messages
from bateia.book.samples import Samples
from bateia.core import INT32, Component, DataError
from bateia.core.events import Floats, Ints
from bateia.kernels import book as kernels

Snapshot = Mapping[str, npt.NDArray[Any]]
WINDOW = 1 << 14
"""Ticks a side in the plain array: two of these fit in a core's cache."""
ROOM = 1 << 11
MOST = 1 << 22
"""Levels a side at first, and at most."""
EXACT = 2.0**53


class Book(Component):
    """A limit order book, snapshots and changes in, best levels out.

    Ticks are whole numbers inside; prices outside are the floats nearest to their decimals, as
    `float("1.9531")` is.

    >>> book = Book(tick_size=0.1, depth=2).start()
    >>> book.apply_snapshot([[9.9, 5.0], [9.8, 1.0], [9.5, 2.0]], [[10.0, 3.0]])
    >>> book.apply_delta([[9.9, 0.0]], [[10.2, 4.0]])
    >>> book.top().bid_price.tolist(), book.top().ask_size.tolist()
    ([[9.8, 9.5]], [[3.0, 4.0]])
    """

    tick_size: float = Field(gt=0.0, le=1e6)
    """Smallest step of the price."""
    depth: int = Field(default=200, ge=1, le=INT32 // 8)
    """Best levels of each side that samples hold."""
    most: int = Field(default=MOST, ge=1, le=MOST)
    """Levels a side beyond which a book is taken for broken."""

    @field_validator("tick_size")
    @classmethod
    def _plain(cls, value: float) -> float:
        if not 0 <= -_exponent(value) <= 15 or grid(value)[0] >= 2**31:
            raise ValueError(
                f"a tick size of {value}; allowed: a plain decimal of at most 15 places; try: 0.01"
            )
        return value

    def start(self) -> BookStream:
        """A fresh, empty book."""
        return BookStream(self)

    def restore(self, snapshot: Snapshot) -> BookStream:
        """The book as it was when `snapshot()` was taken; DataError for arrays that are none of this book."""
        return BookStream(self, snapshot)

    def ticks(self, prices: Any) -> Ints:
        """Prices as whole ticks; DataError for a price that is not a number of ticks.

        >>> Book(tick_size=0.05).ticks([10.05, 0.1]).tolist()
        [201, 2]
        """
        given = np.asarray(prices, np.float64)
        multiple, places = grid(self.tick_size)
        scale = 10.0**places
        with np.errstate(invalid="ignore", over="ignore"):
            whole = np.rint(given * scale)
            bad = ~(np.abs(whole) < EXACT)
            parts = np.where(bad, 0, whole).astype(np.int64)
            bad |= (parts / scale != given) | (parts % multiple != 0) | (parts <= 0)
        if bad.any():
            raise DataError(
                f"the price {float(given[bad][0])!r} is off the tick grid",
                allowed=f"a positive multiple of the tick size {self.tick_size!r}",
                hint="another tick size",
            )
        return parts // multiple


def _exponent(value: float) -> int:
    return min(0, int(Decimal(repr(value)).normalize().as_tuple().exponent))


def grid(tick_size: float) -> tuple[int, int]:
    """The tick as a whole number of the smallest decimal place, and that place.

    >>> grid(0.05), grid(0.1), grid(5.0)
    ((5, 2), (1, 1), (5, 0))
    """
    places = -_exponent(tick_size)
    return int(Decimal(repr(tick_size)).scaleb(places)), places


class BookStream:
    """A book in the making: whole levels of both sides, the best ones in order when asked for."""

    def __init__(self, kind: Book, snapshot: Snapshot | None = None, window: int = WINDOW) -> None:
        self.kind = kind
        self.multiple, places = grid(kind.tick_size)
        self.scale = 10.0**places
        self.ints = np.zeros((2, kernels.SIDE_INTS), np.int64)
        self.ints[:, kernels.BEST] = kernels.NONE
        self.sizes = np.zeros((2, window))
        self.bits = np.zeros((2, window // 64), np.uint64)
        self.far_keys = np.empty((2, ROOM), np.int64)
        self.far_sizes = np.empty((2, ROOM))
        if snapshot is not None:
            self._load(snapshot)

    def apply_snapshot(self, bids: Any, asks: Any) -> None:
        """Replace the book by these levels, rows of price and size; DataError off the grid or below 0."""
        self._apply(True, bids, asks)

    def apply_delta(self, bids: Any, asks: Any) -> None:
        """Set these levels, rows of price and new size, 0 to remove; DataError off the grid or below 0."""
        self._apply(False, bids, asks)

    @property
    def state(self) -> tuple[npt.NDArray[Any], ...]:
        """What the kernels work on."""
        return self.ints, self.sizes, self.bits, self.far_keys, self.far_sizes

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bid, ask = self.ints[:, kernels.BEST].tolist()
        return kernels.NONE not in {bid, ask} and bool(bid + ask >= 0)

    @property
    def levels(self) -> tuple[int, int]:
        """Levels of the bids and of the asks."""
        return int(self.ints[0, kernels.LEVELS]), int(self.ints[1, kernels.LEVELS])

    @property
    def missing(self) -> int:
        """Levels that were to be removed and were not there, so far."""
        return int(self.ints[:, kernels.MISSING].sum())

    def top(self, n: int | None = None, time: int = 0) -> Samples:
        """The best `n` levels of each side, the book's depth by default, as one sample; NaN past the last."""
        out = np.empty((4, 1, self.kind.depth if n is None else n))
        kernels.book_top(out, self.multiple, self.scale, *self.state)
        return Samples(np.array([time]), np.zeros(1, np.int64), *out)

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """Every level, best first, as arrays."""
        bids, asks = self.levels
        full = self.top(max(bids, asks, 1))
        return {
            "bids": np.stack([full.bid_price[0, :bids], full.bid_size[0, :bids]], axis=1),
            "asks": np.stack([full.ask_price[0, :asks], full.ask_size[0, :asks]], axis=1),
            "missing": self.ints[:, kernels.MISSING].copy(),
        }

    def grow(self, levels: int) -> None:
        """Room for this many levels a side."""
        room = self.far_keys.shape[1]
        while room < levels:
            room *= 2
        for name in ("far_keys", "far_sizes"):
            old = getattr(self, name)
            new = np.empty((2, room), old.dtype)
            new[:, : old.shape[1]] = old
            setattr(self, name, new)

    def _apply(self, whole: bool, bids: Any, asks: Any) -> None:
        sides = [_rows(rows) for rows in (bids, asks)]
        ticks = [self.kind.ticks(rows[:, 0]) for rows in sides]
        amounts = [_amounts(rows[:, 1]) for rows in sides]
        kept = (0, 0) if whole else self.levels
        needed = max(have + len(rows) for have, rows in zip(kept, sides, strict=True))
        if needed > self.far_keys.shape[1]:
            self.grow(needed)
        kernels.book_apply(whole, ticks[0], amounts[0], ticks[1], amounts[1], *self.state)
        if max(self.levels) > self.kind.most:
            raise too_deep(max(self.levels), self.kind.most)

    def _load(self, snapshot: Snapshot) -> None:
        try:
            bids, asks, missing = (np.asarray(snapshot[name]) for name in ("bids", "asks", "missing"))
        except KeyError as error:
            raise DataError(
                f"the snapshot has no {error}", allowed="what `BookStream.snapshot()` gives"
            ) from None
        if missing.shape != (2,):
            raise DataError("the snapshot is none of a book", allowed="what `BookStream.snapshot()` gives")
        self.apply_snapshot(bids, asks)
        self.ints[:, kernels.MISSING] = missing


def too_deep(levels: int, most: int, where: str = "") -> DataError:
    """The error of a book that has more levels than it may."""
    return DataError(
        f"{where}a book of {levels} levels on one side",
        allowed=f"at most {most}",
        hint="a greater `most`, or a look at the input",
    )


def _rows(levels: Any) -> Floats:
    rows = np.asarray(levels, np.float64)
    if rows.size == 0:
        return np.empty((0, 2))
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise DataError(f"levels of shape {rows.shape}", allowed="rows of price and size: shape (n, 2)")
    return rows


def _amounts(sizes: Floats) -> Floats:
    if not np.all((sizes >= 0) & np.isfinite(sizes)):
        bad = sizes[~((sizes >= 0) & np.isfinite(sizes))][0]
        raise DataError(f"a level of size {float(bad)!r}", allowed="0 (no such level) or a positive number")
    return np.ascontiguousarray(sizes)


def single(kind: Book, time: int, number: int, bids: Any, asks: Any, snapshot: bool = False) -> Messages:
    """One message as a block of one, as live feeds make them.

    >>> len(single(Book(tick_size=0.1), 0, 1, [[9.9, 1.0]], [], snapshot=True))
    1
    """
    sides = [_rows(rows) for rows in (bids, asks)]
    levels = np.concatenate(sides)
    return Messages(
        time=np.array([time]),
        ids=np.array([number]),
        kinds=np.array([int(snapshot)], np.int8),
        first=np.array([0, len(levels)]),
        middle=np.array([len(sides[0])]),
        ticks=kind.ticks(levels[:, 0]),
        sizes=_amounts(levels[:, 1]),
        line=np.zeros(1, np.int64),
    )
