"""How far the window's values lie from their mean."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator("x", params=(Window(least=2),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def mad(start, stop, x, out, p, s):
    """Mean absolute deviation of the window's values from their mean."""
    a, timed = x[0], x[1]
    n = int(p[0])
    for i in range(start, stop):
        rows = n if n > 0 else int(timed[i])
        if rows < 1:
            out[i] = np.nan
            continue
        # Four sums side by side, of differences from the newest value: exactly 0 for a constant.
        v, first, fours = a[i], i - rows + 1, i - rows + 1 + (rows & ~3)
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for k in range(first, fours, 4):
            t0 += a[k] - v
            t1 += a[k + 1] - v
            t2 += a[k + 2] - v
            t3 += a[k + 3] - v
        for k in range(fours, i + 1):
            t0 += a[k] - v
        mean = ((t0 + t1) + (t2 + t3)) / rows
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for k in range(first, fours, 4):
            t0 += abs(a[k] - v - mean)
            t1 += abs(a[k + 1] - v - mean)
            t2 += abs(a[k + 2] - v - mean)
            t3 += abs(a[k + 3] - v - mean)
        for k in range(fours, i + 1):
            t0 += abs(a[k] - v - mean)
        away = ((t0 + t1) + (t2 + t3)) / rows
        out[i] = away if away < np.inf else np.nan
    return 0
