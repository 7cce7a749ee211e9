"""What a broker sees of a market that is known by its candles alone."""

from __future__ import annotations

import numpy as np

from bateia.core import Bars, Trades

OPENING = 100
"""The open stands for the first hundredth of a candle."""


def tape_of(candles: Bars) -> Trades:
    """Four trades of equal size for each candle with volume: its open, its extremes, its close.

    The open lies a hundredth into the candle, so an order decided at the last close meets it if its latency
    is shorter (3 s of 5 minutes), and pays later prices otherwise. A candle that rose is taken to have seen
    its low first, one that fell its high; the extremes lie a third and two thirds into it. Sides are unknown.

    >>> candles = Bars.empty()
    >>> len(tape_of(candles))
    0
    """
    some = candles[candles.volume > 0]
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
    after = np.column_stack([length // OPENING, length // 3, 2 * length // 3, length - 1])
    time = (some.open_time[:, None] + after).ravel()
    size = np.repeat(some.volume / 4, 4)
    return Trades(time, time.copy(), price, size, np.zeros(len(time), np.int8))
