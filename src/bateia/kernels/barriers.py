"""Answers to the questions labels ask: horizons, volatility, barrier touches and average uniqueness.

These loops look ahead on purpose; nothing live may call them, except `ew_volatility`, which is causal.
"""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Bools, Floats, Ints
from bateia.kernels.jit import kernel

SMALL, LARGE = 3, 7
"""Blocks of 2**SMALL and 2**LARGE bars keep the highest high and lowest low, so that a scan can skip them."""


@kernel
def ew_volatility(close: Floats, span: int, out: Floats) -> None:
    """Exponentially weighted deviation of log returns per bar; NaN until `span` returns are seen.

    Row i uses bars up to i only. Weights fall by 1 - 2 / (span + 1) a bar and the variance is corrected
    for bias by (sum w)^2 / ((sum w)^2 - sum w^2): pandas' `ewm(span=span, min_periods=span).std()`.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), snippet 3.1; West,
    "Updating mean and variance estimates", CACM 22 (1979), for the update.
    """
    keep = 1.0 - 2.0 / (span + 1.0)
    mean = squares = weight = weight2 = 0.0
    for i in range(len(close)):
        out[i] = np.nan
        if i == 0:
            continue
        r = math.log(close[i] / close[i - 1])
        weight = keep * weight + 1.0
        weight2 = keep * keep * weight2 + 1.0
        gap = r - mean
        mean += gap / weight
        squares = keep * squares + gap * (r - mean)
        if i >= span:
            out[i] = math.sqrt(max(squares, 0.0) * weight / (weight * weight - weight2))


@kernel
def horizon_ends(time: Ints, bars: int, micros: int, end: Ints, due: Ints, closed: Bools) -> None:
    """Where row i's horizon ends: `end[i]` its last bar, `due[i]` its moment, `closed[i]` whether it has.

    A horizon of `bars` > 0 bars ends with bar i + bars. Else it ends `micros` after time[i]: its last bar
    is the last whose time is not later, and it has closed once some bar is as late. Where it has not
    closed, `end` and `due` are the last bar and its time.
    """
    n = len(time)
    j = 0
    for i in range(n):
        if bars > 0:
            closed[i] = i + bars < n
            end[i] = min(i + bars, n - 1)
            due[i] = time[end[i]]
            continue
        limit = time[i] + micros
        while j + 1 < n and time[j + 1] <= limit:
            j += 1
        closed[i] = time[n - 1] >= limit
        end[i] = j
        due[i] = min(limit, time[n - 1])


@kernel
def fixed_horizon(close: Floats, end: Ints, closed: Bools, ret: Floats) -> None:
    """Log return from close[i] to close[end[i]]; NaN where the horizon has not closed."""
    for i in range(len(close)):
        ret[i] = math.log(close[end[i]] / close[i]) if closed[i] else np.nan


@kernel
def _block_extremes(high, low, shift):
    """Highest high and lowest low of each block of 2**shift bars, by the comparisons of the scan."""
    n = len(high)
    count = (n + (1 << shift) - 1) >> shift
    top = np.empty(count)
    bottom = np.empty(count)
    for b in range(count):
        most, least = -np.inf, np.inf
        for j in range(b << shift, min(n, (b + 1) << shift)):
            most = high[j] if high[j] > most else most
            least = low[j] if low[j] < least else least
        top[b], bottom[b] = most, least
    return top, bottom


@kernel
def triple_barrier(
    first: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volatility: Floats,
    up: float,
    down: float,
    time: Ints,
    closed: Bools,
    end: Ints,
    due: Ints,
    touch: Floats,
    ret: Floats,
) -> None:
    """Which barrier bars i + 1 to end[i] touch first: `touch` +1 upper, -1 lower, 0 vertical.

    The barriers lie at close[i] * exp(up * volatility[i]) and close[i] * exp(-down * volatility[i]). A bar
    touches where its high or low reaches one. Its `first` price decides where that already lies beyond a
    barrier (the exit is then `first`); else the exit is the barrier, and the lower one if both are
    touched, since their order within the bar is not known. Closes as first, high and low give the rule on
    closes. `ret` is the log return from close[i] to the exit.

    `end` and `due` come from `horizon_ends` and leave as the bar and moment of the exit. Where no barriers
    can be set (volatility NaN or none) `end` is -1; there, and where nothing was touched before the data
    end, `touch` and `ret` are NaN and `due` is the last bar's time.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 3.4.
    """
    n = len(close)
    small, large = 1 << SMALL, 1 << LARGE
    top, bottom = _block_extremes(high, low, SMALL)
    tops, bottoms = _block_extremes(high, low, LARGE)
    for i in range(n):
        start = close[i]
        upper = start * math.exp(up * volatility[i])
        lower = start * math.exp(-down * volatility[i])
        touch[i] = np.nan
        ret[i] = np.nan
        if not (upper > start and lower < start):
            end[i] = -1
            due[i] = time[n - 1]
            continue
        last = end[i]
        hit = -1
        j = i + 1
        while j <= last and hit < 0:
            # A block inside the barriers holds no touch, even where the horizon ends within it.
            if j & (small - 1) == 0:
                if j & (large - 1) == 0 and tops[j >> LARGE] < upper and bottoms[j >> LARGE] > lower:
                    j += large
                    continue
                if top[j >> SMALL] < upper and bottom[j >> SMALL] > lower:
                    j += small
                    continue
            stop = min(last, j | (small - 1))
            while j <= stop:
                if high[j] >= upper or low[j] <= lower:
                    hit = j
                    break
                j += 1
        if hit < 0:
            if closed[i]:
                touch[i] = 0.0
                ret[i] = math.log(close[last] / start)
            continue
        side, price = 1.0, upper
        if first[hit] >= upper:
            price = first[hit]
        elif first[hit] <= lower:
            side, price = -1.0, first[hit]
        elif low[hit] <= lower:
            side, price = -1.0, lower
        touch[i] = side
        ret[i] = math.log(price / start)
        end[i] = hit
        due[i] = time[hit]


@kernel
def average_uniqueness(end: Ints, ret: Floats, weight: Floats) -> None:
    """Mean of 1 / c over the bars i + 1 to end[i], c being how many labels use that bar's return.

    In (0, 1]; a label that uses no return gets 1, and 0 is written where `ret` is NaN. A label that is
    still open counts up to the last bar and end[i] = -1 asks nothing, so a weight depends on no bar after
    its own label's end. O(n) by cumulative sums.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), sections 4.3 and 4.4.
    """
    n = len(end)
    leaving = np.zeros(n, np.int64)
    shared = np.zeros(n)
    count = 0
    total = 0.0
    for t in range(n):
        if count > 0:
            total += 1.0 / count
        shared[t] = total
        count -= leaving[t]
        if end[t] > t:
            count += 1
            leaving[end[t]] += 1
    for i in range(n):
        if ret[i] != ret[i]:
            weight[i] = 0.0
        elif end[i] > i:
            weight[i] = min((shared[end[i]] - shared[i]) / (end[i] - i), 1.0)
        else:
            weight[i] = 1.0
