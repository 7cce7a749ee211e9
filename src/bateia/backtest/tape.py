"""What a broker sees of a market that is known by its candles alone."""

from __future__ import annotations

import numpy as np

from bateia.core import Bars, BookedBars
from bateia.trading import Tape


def tape_of(candles: Bars) -> Tape:
    """Four trades of equal size for each candle with volume: its open, its extremes, its close.

    A candle that rose is taken to have seen its low first, one that fell its high, and the other extreme two
    thirds into it. The open stands for the first third, and the first extreme comes at its end: an order
    decided at the last close meets the open unless its latency is longer (100 s of 5 minutes), and then the
    far extreme. Were the first extreme within its reach, whoever foretells the candle would be paid for being
    slow. Sides are unknown. Bars of a book, which know no trade, have the mean size of the best
    bid and ask. What a take-profit makes of the first extreme: `Exits.both`.

    >>> candles = Bars.empty()
    >>> len(tape_of(candles))
    0
    """
    some = candles
    if isinstance(candles, BookedBars):
        size = (candles.book["bid_size"] + candles.book["ask_size"]) / 2
    else:
        some = candles[candles.volume > 0]
        size = some.volume / 4
    length = some.time - some.open_time
    rose = some.close >= some.open
    price = np.column_stack(
        [
            some.open,
            np.where(rose, some.low, some.high),
            np.where(rose, some.high, some.low),
            some.close,
        ]
    ).ravel()
    third = length // 3
    after = np.column_stack([third - 1, third, 2 * length // 3, length - 1])
    time = (some.open_time[:, None] + after).ravel()
    more = np.tile(np.array([0, 1, 0, 0], np.int8), len(some))
    return Tape(time, time.copy(), price, np.repeat(size, 4), np.zeros(len(time), np.int8), more)
