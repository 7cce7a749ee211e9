"""Differences of a fractional order: as stationary as needed, with as much memory as can be kept."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(timed=False), Number("d", least=0.0, most=2.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 1 + int(p[0]),
    source="Lopez de Prado, Advances in Financial Machine Learning (2018), ch. 5: fixed-width window",
)
def fracdiff(start, stop, x, out, p, s):
    """Difference of the order d over n rows: 0 gives x itself, 1 the change since the last row."""
    a = x[0]
    n, d = int(p[0]), p[1]
    if s[0] == 0.0:  # weights, the oldest row's first
        s[0] = 1.0
        weight = 1.0
        for k in range(n):
            s[n - k] = weight
            weight *= (k - d) / (k + 1.0)
    fours = n & ~3
    for i in range(start, stop):
        first = i - n + 1
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for k in range(0, fours, 4):
            t0 += s[1 + k] * a[first + k]
            t1 += s[2 + k] * a[first + k + 1]
            t2 += s[3 + k] * a[first + k + 2]
            t3 += s[4 + k] * a[first + k + 3]
        for k in range(fours, n):
            t0 += s[1 + k] * a[first + k]
        v = (t0 + t1) + (t2 + t3)
        out[i] = v if abs(v) < np.inf else np.nan
    return 0
