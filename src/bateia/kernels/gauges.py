"""What a broker knows of the market before each trade: intervals by the clock, and windows over them."""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Floats, Ints
from bateia.kernels.jit import kernel

# The open interval, kept in `state`: prices, volume, Roll's products, and the last two price changes.
HIGH, LOW, CLOSE, SIZE, PRODUCTS, PAIRS, LAST, CHANGE = range(8)
# Columns of `ring`, one row an interval, and of `sums` over the window.
SQUARE, RANGE, HIGH_LOW, PRODUCT, PAIR, VOLUME, END, START = range(8)
DAY_US = 86_400_000_000


@kernel
def intervals(
    state: Floats,
    begun: Ints,
    every: int,
    time: Ints,
    price: Floats,
    size: Floats,
    out_at: Ints,
    out_start: Ints,
    out: Floats,
) -> int:
    """Intervals [k * every, (k + 1) * every) that traded, once a later trade ends them; how many ended.

    `out_at` is the row of the trade that ended it, `out` (high, low, close, volume, sum of products of
    successive price changes, their number); `begun[0]` is the open one's number, `state` NaN at first.
    """
    made = 0
    number = begun[0]
    high, low, close, volume = state[HIGH], state[LOW], state[CLOSE], state[SIZE]
    products, pairs, last, change = state[PRODUCTS], state[PAIRS], state[LAST], state[CHANGE]
    for j in range(len(time)):
        now = time[j] // every
        p = price[j]
        if now != number or high != high:
            if high == high:
                out_at[made], out_start[made] = j, number * every
                out[made, 0], out[made, 1], out[made, 2], out[made, 3] = high, low, close, volume
                out[made, 4], out[made, 5] = products, pairs
                made += 1
            number, high, low, volume, products, pairs = now, p, p, 0.0, 0.0, 0.0
        high, low, close = max(high, p), min(low, p), p
        volume += size[j]
        if last == last:
            moved = p - last
            if change == change:
                products += moved * change
                pairs += 1.0
            change = moved
        last = p
    begun[0] = number
    state[HIGH], state[LOW], state[CLOSE], state[SIZE] = high, low, close, volume
    state[PRODUCTS], state[PAIRS], state[LAST], state[CHANGE] = products, pairs, last, change
    return made


@kernel
def _corwin_schultz(high: float, low: float, high0: float, low0: float) -> float:
    """Spread as a share of the price from two intervals' highs and lows; 0 where it comes out negative."""
    beta = math.log(high / low) ** 2 + math.log(high0 / low0) ** 2
    gamma = math.log(max(high, high0) / min(low, low0)) ** 2
    root = 3.0 - 2.0 * math.sqrt(2.0)
    alpha = (math.sqrt(2.0 * beta) - math.sqrt(beta)) / root - math.sqrt(gamma / root)
    return max(2.0 * (math.exp(alpha) - 1.0) / (1.0 + math.exp(alpha)), 0.0)


@kernel
def gauges(
    ring: Floats,
    sums: Floats,
    seen: Ints,
    before: Floats,
    window: int,
    volume_window: int,
    every: int,
    roll: bool,
    start: Ints,
    interval: Floats,
    out: Floats,
) -> None:
    """Windows at each interval's end: (volatility a day, volume a day, half spread, range), NaN until full.

    Volatility is the root of squared log returns over calendar time, volume the same way; the half spread
    in price units is Roll's over trades or the mean of Corwin and Schultz's over pairs of intervals; the
    range is the mean true range. `before` is the last interval's (high, low, close), `seen[0]` a count.

    Source: Roll, "A simple implicit measure of the effective bid-ask spread", J. Finance 39 (1984); Corwin
    and Schultz, "A simple way to estimate bid-ask spreads", J. Finance 67 (2012), eq. 14 and 18.
    """
    rows = len(ring)
    for i in range(len(start)):
        k = seen[0]
        high, low, close = interval[i, 0], interval[i, 1], interval[i, 2]
        slot = k % rows
        ring[slot, :] = 0.0
        if k > 0:
            ring[slot, SQUARE] = math.log(close / before[2]) ** 2
            ring[slot, RANGE] = max(high, before[2]) - min(low, before[2])
            ring[slot, HIGH_LOW] = _corwin_schultz(high, low, before[0], before[1])
        ring[slot, PRODUCT], ring[slot, PAIR] = interval[i, 4], interval[i, 5]
        ring[slot, VOLUME] = interval[i, 3]
        ring[slot, START], ring[slot, END] = float(start[i]), float(start[i] + every)
        for column in range(VOLUME + 1):
            length = volume_window if column == VOLUME else window
            if k % length == 0:
                # Afresh on a count of the stream's own: running sums drift, and cuts must not show.
                sums[column] = 0.0
                for back in range(min(length, k + 1)):
                    sums[column] += ring[(k - back) % rows, column]
            else:
                sums[column] += ring[slot, column]
                if k >= length:
                    sums[column] -= ring[(k - length) % rows, column]
        out[i] = np.nan
        if k >= window:
            elapsed = ring[slot, END] - ring[(k - window) % rows, END]
            out[i, 0] = math.sqrt(max(sums[SQUARE], 0.0) / elapsed * DAY_US)
            out[i, 3] = max(sums[RANGE], 0.0) / window
            out[i, 2] = max(sums[HIGH_LOW], 0.0) / window * close / 2.0
            if roll:
                out[i, 2] = math.sqrt(max(-sums[PRODUCT], 0.0) / max(sums[PAIR], 1.0))
        if k >= volume_window - 1:
            covered = ring[slot, END] - ring[(k - volume_window + 1) % rows, START]
            out[i, 1] = max(sums[VOLUME], 0.0) / covered * DAY_US
        before[0], before[1], before[2] = high, low, close
        seen[0] = k + 1
