"""Trades to bars: one loop, one compiled kernel a kind, any cut of the input the same bars.

State: `ints` = trades in the open bar (0: none is open), its first time, when it is due, latest known_at,
direction of the last price change, up ticks, down ticks; `floats` = open, high, low, volume, signed volume,
value, last price (NaN before the first). Outputs: `out_ints` rows open_time, time, known_at; `out_floats`
rows open, high, low, close, volume, signed_volume, value, vwap, trades, up_ticks, down_ticks.
"""

from __future__ import annotations

import numba
import numpy as np

from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels.jit import kernel

INTS, FLOATS = 7, 7
COUNT, DUE = 0, 2
OUT_INTS, OUT_FLOATS = 3, 11
TIME, TICK, VOLUME, DOLLAR = range(4)


@numba.njit(cache=True, forceinline=True)
def _bars(kind, limit, first, time, known_at, price, size, side, ints, floats, out_ints, out_floats):
    """The loop; `kind` is a constant in each kernel, so that its branches vanish."""
    count, open_time, due, known, direction, ups, downs = ints
    opened, high, low, volume, signed, value, last = floats
    room = out_ints.shape[1]
    made = 0
    n = np.uint64(len(time))
    one = np.uint64(1)
    row = np.uint64(first)  # unsigned: no test for a negative index at every access
    while row < n and made < room:
        if count == 0:
            open_time = known = time[row]
            opened = high = low = price[row]
            volume = signed = value = 0.0
            ups = downs = 0
            if kind == TIME:
                due = (open_time // limit + 1) * limit
        # A loop of its own for the trades of one bar, and selects where there could be branches: ticks and
        # sides are close to random, and a wrong guess costs more than the work.
        closes = False
        start = row
        stop = min(n, row + np.uint64(max(limit - count, 1))) if kind == TICK else n
        while row < stop:
            if kind == TIME and time[row] >= due:
                closes = True
                break
            p, q = price[row], size[row]
            up = np.int64(p > last)
            down = np.int64(p < last)
            ups += up
            downs += down
            change = up - down
            direction = change if change != 0 else direction
            last = p
            high = p if p > high else high
            low = p if p < low else low
            known = max(known, known_at[row])
            volume += q
            value += p * q
            given = side[row]
            signed += q * (given if given != 0 else direction)
            row += one
            if kind == VOLUME and volume >= limit:
                closes = True
                break
            if kind == DOLLAR and value >= limit:
                closes = True
                break
        count += np.int64(row - start)
        if kind == TICK:
            closes = count >= limit
        if closes:
            if kind != TIME:
                due = time[row - one]
            out_ints[0, made] = open_time
            out_ints[1, made] = due
            out_ints[2, made] = max(known, due)
            out_floats[0, made] = opened
            out_floats[1, made] = high
            out_floats[2, made] = low
            out_floats[3, made] = last
            out_floats[4, made] = volume
            out_floats[5, made] = signed
            out_floats[6, made] = value
            out_floats[7, made] = value / volume if volume > 0.0 else last
            out_floats[8, made] = count
            out_floats[9, made] = ups
            out_floats[10, made] = downs
            made += 1
            count = 0
    ints[0], ints[1], ints[2], ints[3], ints[4] = count, open_time, due, known, direction
    ints[5], ints[6] = ups, downs
    floats[0], floats[1], floats[2], floats[3] = opened, high, low, volume
    floats[4], floats[5], floats[6] = signed, value, last
    return np.int64(row), made


@kernel
def time_bars(
    limit: int,
    first: int,
    time: Ints,
    known_at: Ints,
    price: Floats,
    size: Floats,
    side: Bytes,
    ints: Ints,
    floats: Floats,
    out_ints: Ints,
    out_floats: Floats,
) -> tuple[int, int]:
    """Bars of `limit` microseconds on the epoch's grid; (next row, bars made), full output stops it."""
    return _bars(TIME, limit, first, time, known_at, price, size, side, ints, floats, out_ints, out_floats)


@kernel
def tick_bars(
    limit: int,
    first: int,
    time: Ints,
    known_at: Ints,
    price: Floats,
    size: Floats,
    side: Bytes,
    ints: Ints,
    floats: Floats,
    out_ints: Ints,
    out_floats: Floats,
) -> tuple[int, int]:
    """Bars of `limit` trades; (next row, bars made), full output stops it."""
    return _bars(TICK, limit, first, time, known_at, price, size, side, ints, floats, out_ints, out_floats)


@kernel
def volume_bars(
    limit: float,
    first: int,
    time: Ints,
    known_at: Ints,
    price: Floats,
    size: Floats,
    side: Bytes,
    ints: Ints,
    floats: Floats,
    out_ints: Ints,
    out_floats: Floats,
) -> tuple[int, int]:
    """Bars of at least `limit` volume; (next row, bars made), full output stops it."""
    return _bars(VOLUME, limit, first, time, known_at, price, size, side, ints, floats, out_ints, out_floats)


@kernel
def dollar_bars(
    limit: float,
    first: int,
    time: Ints,
    known_at: Ints,
    price: Floats,
    size: Floats,
    side: Bytes,
    ints: Ints,
    floats: Floats,
    out_ints: Ints,
    out_floats: Floats,
) -> tuple[int, int]:
    """Bars of at least `limit` price * size; (next row, bars made), full output stops it."""
    return _bars(DOLLAR, limit, first, time, known_at, price, size, side, ints, floats, out_ints, out_floats)
