"""The exponential average that EMA and Wilder's smoothing are made of."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(timed=False), Number("alpha", least=0.0, most=1.0)),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 2,
)
def smooth(start, stop, x, out, p, s):
    """Exponential average with weight alpha on the newest value, seeded with the mean of the first n."""
    a = x[0]
    n, alpha = int(p[0]), p[1]
    keep = 1.0 - alpha
    level, seen = s[0], int(s[1])
    i = start
    while i < stop and seen < n:
        out[i] = np.nan
        if a[i] == a[i]:
            level += a[i]
            seen += 1
            if seen == n:
                level /= n
                out[i] = level
        i += 1
    missing = 0
    for j in range(i, stop):
        missing += a[j] != a[j]
    if missing == 0:  # the usual case, without a test in the chain of additions
        for j in range(i, stop):
            level = keep * level + alpha * a[j]
            out[j] = level
    else:
        for j in range(i, stop):
            out[j] = np.nan
            if a[j] == a[j]:
                level = keep * level + alpha * a[j]
                out[j] = level
    s[0], s[1] = level, seen
    return 0
