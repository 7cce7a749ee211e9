"""The band that trails the price on one side until the close crosses it: the line of the Supertrend."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import operator


@operator(
    "upper",
    "lower",
    "close",
    state=lambda p: 5,
    source="Seban, Supertrend; as published for TradingView, Pine Script reference manual, ta.supertrend",
)
def trailing_band(start, stop, x, out, p, s):
    """The active of two bands that only tighten: the lower in a rise, the upper in a fall (as at first)."""
    upper, lower, close = x[0], x[1], x[2]
    begun, rising, top, bottom, before = s[0], s[1], s[2], s[3], s[4]
    for i in range(start, stop):
        u, d, c = upper[i], lower[i], close[i]
        if u != u or d != d or c != c:
            out[i] = np.nan
            continue
        if begun == 0.0:
            begun, top, bottom = 1.0, u, d
        else:
            # A band loosens only where the close before had left it behind.
            top = u if u < top or before > top else top
            bottom = d if d > bottom or before < bottom else bottom
            if rising != 0.0:
                rising = 0.0 if c < bottom else 1.0
            else:
                rising = 1.0 if c > top else 0.0
        before = c
        out[i] = bottom if rising != 0.0 else top
    s[0], s[1], s[2], s[3], s[4] = begun, rising, top, bottom, before
    return 0
