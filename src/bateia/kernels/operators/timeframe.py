"""Higher timeframes: when their bars close, what those bars hold, and what of them is known by now.

A timeframe has rows of its own, one a closed bar. Its bars are cut at whole multiples of its length; a row
at the very end of a bar still belongs to it. Where a bar had no row there is no bar; the first bar, cut by
the start of the stream, is left out. These three are written by the compiler alone, for `at("1h", x)`.
"""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, operator

FIRST, LARGEST, SMALLEST, LAST, TOTAL, AVERAGE = range(6)
"""How the rows of a bar become one: the `how` of `bar_of`."""
BEFORE, WITH, CUT = 1, 2, 4
"""Bits of `bar_ends`: the open bar ended before this row, ends with it; the first of these is cut short."""


@operator("time", params=(Number("micros", least=1), Number("shift", default=0.0)), state=lambda p: 3)
def bar_ends(start, stop, x, out, p, s):
    """Which bars of a timeframe end at this row: bits BEFORE, WITH and CUT."""
    t = x[0]
    micros, shift = p[0], p[1]
    begun, latest, is_open = s[0], s[1], s[2]
    for i in range(start, stop):
        code = 0
        if t[i] == t[i]:
            bar = np.ceil((t[i] - shift) / micros)
            if bar > latest or begun == 0.0:
                code = 1 if is_open else 0
                latest, is_open = bar, 1.0
            elif is_open == 0.0:  # its bar has ended with a row of the same time: the next one's first
                latest, is_open = latest + 1.0, 1.0
            if t[i] - shift == latest * micros:
                code += 2
                is_open = 0.0
            if begun != 2.0:
                begun = 1.0
                if code:
                    code += 4
                    begun = 2.0
        out[i] = code
    s[0], s[1], s[2] = begun, latest, is_open
    return 0


@operator("x", "ends", params=(Number("ahead"), Number("how", least=0, most=5)), state=lambda p: 2)
def bar_of(start, stop, x, out, p, s):
    """The rows of each bar as one, missing ones left out; a bar's row `ahead` of this block's.

    `ahead` is set by the driver before each block: where the timeframe's next row lies from `start`.
    """
    a, ends = x[0], x[1]
    at, how = start + int(p[0]), int(p[1])
    value, rows = s[0], s[1]
    for i in range(start, stop):
        code = int(ends[i])
        if code & 1:
            if code & 4 == 0:
                out[at] = np.nan if rows == 0.0 else (value / rows if how == 5 else value)
                at += 1
            value, rows = 0.0, 0.0
        v = a[i]
        if v == v:
            if rows == 0.0:
                value = v
            elif how == 1:
                value = v if v > value else value
            elif how == 2:
                value = v if v < value else value
            elif how == 3:
                value = v
            elif how >= 4:
                value += v
            rows += 1.0
        if code & 2:
            if code != 6:
                out[at] = np.nan if rows == 0.0 else (value / rows if how == 5 else value)
                at += 1
            value, rows = 0.0, 0.0
    s[0], s[1] = value, rows
    return 0


@operator("x", "ends", params=(Number("ahead"),), history=lambda p: 1)
def held(start, stop, x, out, p, s):
    """For each row the timeframe's newest closed bar; `ahead` as for `bar_of`."""
    a, ends = x[0], x[1]
    at = start + int(p[0])
    for i in range(start, stop):
        code = int(ends[i])
        at += (code & 1) + (code >> 1 & 1) - (code >> 2)
        out[i] = a[at - 1]
    return 0
