"""Kaufman's average: fast in a trend, slow in noise."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator(
    "x",
    params=(Window(least=2, timed=False),),
    history=lambda p: int(p[0]) + 1,
    warmup=lambda p: int(p[0]),
    state=lambda p: 5,
    source="Kaufman, Smarter Trading (1995); TA-Lib KAMA",
)
def kama(start, stop, x, out, p, s):
    """Kaufman's adaptive average, 2 to 30 rows by the efficiency of n; after a gap it starts anew."""
    a = x[0]
    n = int(p[0])
    fast, slow = 2.0 / 3.0, 2.0 / 31.0
    level, path, worst, run, count = s[0], s[1], s[2], int(s[3]), int(s[4])
    for i in range(start, stop):
        out[i] = np.nan
        v = a[i]
        if v != v:
            path, worst, run, count = 0.0, 0.0, 0, 0
            continue
        run = min(run + 1, n + 2)
        count += 1
        path += abs(v - a[i - 1]) if run > 1 else 0.0
        worst = max(worst, path)
        path -= abs(a[i - n] - a[i - n - 1]) if run > n + 1 else 0.0
        if run <= n:
            continue
        if not count * worst <= 1e4 * path:  # afresh, before what was rounded off shows
            path, count = 0.0, 0
            for k in range(i - n + 1, i + 1):
                path += abs(a[k] - a[k - 1])
            worst = path
        change = abs(v - a[i - n])
        efficiency = change / path if change < path else 1.0
        share = efficiency * (fast - slow) + slow
        level = a[i - 1] if run == n + 1 else level
        level += share * share * (v - level)
        if abs(level) < np.inf:
            out[i] = level
        else:
            path, worst, run, count = 0.0, 0.0, 0, 0
    s[0], s[1], s[2], s[3], s[4] = level, path, worst, run, count
    return 0
