"""Rolling covariance and correlation of two series, about each window's own means."""

from __future__ import annotations

import math

import numpy as np

from bateia.kernels.operator import Window, operator


@operator("a", "b", params=(Window(least=2),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def cov(start, stop, x, out, p, s):
    """Sample covariance of a and b over the window."""
    a, b, timed = x[0], x[1], x[2]
    n = int(p[0])
    for i in range(start, stop):
        rows = n if n > 0 else int(timed[i])
        ta, tb = 0.0, 0.0
        for k in range(rows):
            ta += a[i - k]
            tb += b[i - k]
        product = 0.0
        for k in range(rows):
            product += (a[i - k] - ta / rows) * (b[i - k] - tb / rows)
        out[i] = product / (rows - 1.0) if rows >= 2 else np.nan
    return 0


@operator("a", "b", params=(Window(least=2),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def corr(start, stop, x, out, p, s):
    """Pearson correlation of a and b over the window, in [-1, 1]; NaN where either is constant."""
    a, b, timed = x[0], x[1], x[2]
    n = int(p[0])
    for i in range(start, stop):
        rows = n if n > 0 else int(timed[i])
        ta, tb = 0.0, 0.0
        for k in range(rows):
            ta += a[i - k]
            tb += b[i - k]
        ca, cb = (ta / rows, tb / rows) if rows > 0 else (np.nan, np.nan)
        saa, sbb, sab = 0.0, 0.0, 0.0
        for k in range(rows):
            u = a[i - k] - ca
            v = b[i - k] - cb
            saa += u * u
            sbb += v * v
            sab += u * v
        known = rows >= 2 and saa > rows * (1e-14 * ca) ** 2 and sbb > rows * (1e-14 * cb) ** 2
        r = sab / (math.sqrt(saa) * math.sqrt(sbb)) if known else np.nan
        out[i] = min(max(r, -1.0), 1.0) if known else np.nan
    return 0
