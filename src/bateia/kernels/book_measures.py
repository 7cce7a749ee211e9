"""What sampled books say: a row at a time, so that one book live gives the bits of a day of them."""

from __future__ import annotations

import numba
import numpy as np

from bateia.core.events import Floats
from bateia.kernels.jit import kernel


@kernel
def microprice(bid_price: Floats, bid_size: Floats, ask_price: Floats, ask_size: Floats, out: Floats) -> None:
    """(bid * ask size + ask * bid size) / (bid size + ask size) at the best levels."""
    for i in range(len(out)):
        b, a = bid_size[i, 0], ask_size[i, 0]
        out[i] = (bid_price[i, 0] * a + ask_price[i, 0] * b) / (b + a)


@kernel
def imbalance(levels: int, bid_size: Floats, ask_size: Floats, out: Floats) -> None:
    """(bids - asks) / (bids + asks) of the sizes in the best `levels`; absent ones count as 0."""
    for i in range(len(out)):
        bids = asks = 0.0
        for j in range(levels):
            bids += bid_size[i, j] if bid_size[i, j] > 0.0 else 0.0
            asks += ask_size[i, j] if ask_size[i, j] > 0.0 else 0.0
        out[i] = (bids - asks) / (bids + asks) if bids + asks > 0.0 else np.nan


@kernel
def cumulative(size: Floats, out: Floats) -> None:
    """Size at each level and every better one; NaN where there is no level."""
    for i in range(size.shape[0]):
        total = 0.0
        for j in range(size.shape[1]):
            total += size[i, j]
            out[i, j] = total


@kernel
def slope(
    levels: int, bid_price: Floats, bid_size: Floats, ask_price: Floats, ask_size: Floats, out: Floats
) -> None:
    """Least-squares line through 0 of cumulative size on distance from the mid: mean of the sides."""
    for i in range(len(out)):
        mid = (bid_price[i, 0] + ask_price[i, 0]) / 2.0
        both = 0.0
        for side in range(2):
            price, size = (bid_price, bid_size) if side == 0 else (ask_price, ask_size)
            total = products = squares = 0.0
            for j in range(levels):
                if not size[i, j] > 0.0:
                    break
                total += size[i, j]
                away = abs(price[i, j] - mid)
                products += away * total
                squares += away * away
            both += products / squares if squares > 0.0 else np.nan
        out[i] = both / 2.0


COUNT, OPEN_TIME, MESSAGES = range(3)
BAR_INTS = 3
SPREAD, OBI, DEEP, PREVIOUS, PREVIOUS_TIME = range(5)
BAR_FLOATS = 5


@numba.njit(cache=True)
def _summary(count, micro, messages, spread, obi, deep, previous, out, row):
    opened, close = micro[0], micro[count - 1]
    high = low = opened
    total = 0.0
    for i in range(count):
        high, low = max(high, micro[i]), min(low, micro[i])
        total += micro[i]
    mean = total / count
    squares = 0.0
    for i in range(count):
        squares += (micro[i] - mean) ** 2
    # As FEATURES of `bateia.book.bars` names them.
    out[row, 0] = np.log(close / opened)
    out[row, 1] = (high - max(opened, close)) / previous
    out[row, 2] = (min(opened, close) - low) / previous
    out[row, 3] = np.log(close / previous)
    out[row, 4] = np.sqrt(squares / (count - 1)) if count > 1 else np.nan
    out[row, 5], out[row, 6], out[row, 7] = spread, obi / count, deep / count
    out[row, 8], out[row, 9] = np.log(1.0 + messages), close
    out[row, 10], out[row, 11] = high - max(opened, close), min(opened, close) - low


@kernel
def book_bars(
    first,
    length,
    deep_levels,
    time,
    messages,
    bid_price,
    bid_size,
    ask_price,
    ask_size,
    ints,
    floats,
    micro,
    out_at,
    out,
):
    """Samples from row `first` on to bars of `length` microseconds; (next row, bars made, bars left out).

    A bar holds the samples at T in (open, open + length] and is left out unless there are as many as `micro`
    has room for. Its previous close is that of the bar just before, NaN where that is missing. `out_at` is
    the row of its last sample.
    """
    made = dropped = 0
    whole, room = len(micro), len(out_at)
    count, opened, said = ints[COUNT], ints[OPEN_TIME], ints[MESSAGES]
    spread, obi, deep = floats[SPREAD], floats[OBI], floats[DEEP]
    previous, previous_time = floats[PREVIOUS], floats[PREVIOUS_TIME]
    row = first
    while row < len(time) and made < room:
        start = (time[row] - 1) // length * length
        if count > 0 and start != opened:
            dropped += 1
            count = 0
        if count == 0:
            opened, said, spread, obi, deep = start, 0, -np.inf, 0.0, 0.0
        b, a = bid_size[row, 0], ask_size[row, 0]
        micro[count] = (bid_price[row, 0] * a + ask_price[row, 0] * b) / (b + a)
        count += 1
        said += messages[row]
        spread = max(spread, ask_price[row, 0] - bid_price[row, 0])
        obi += (b - a) / (b + a)
        bids = asks = 0.0
        for j in range(deep_levels):
            bids += bid_size[row, j] if bid_size[row, j] > 0.0 else 0.0
            asks += ask_size[row, j] if ask_size[row, j] > 0.0 else 0.0
        deep += (bids - asks) / (bids + asks)
        if time[row] == opened + length:
            if count == whole:
                before = previous if previous_time == opened else np.nan
                _summary(count, micro, said, spread, obi, deep, before, out, made)
                out_at[made] = row
                previous, previous_time = micro[count - 1], float(time[row])
                made += 1
            else:
                dropped += 1
            count = 0
        row += 1
    ints[COUNT], ints[OPEN_TIME], ints[MESSAGES] = count, opened, said
    floats[SPREAD], floats[OBI], floats[DEEP] = spread, obi, deep
    floats[PREVIOUS], floats[PREVIOUS_TIME] = previous, previous_time
    return row, made, dropped
