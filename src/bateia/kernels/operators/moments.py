"""Rolling skewness and kurtosis, each window's moments taken about its own mean."""

from __future__ import annotations

import math

import numpy as np

from bateia.kernels.operator import Window, operator


@operator("x", params=(Window(least=3),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def skew(start, stop, x, out, p, s):
    """Sample skewness of the window (Fisher-Pearson, bias-corrected as in pandas); NaN where constant."""
    a, timed = x[0], x[1]
    n = int(p[0])
    for i in range(start, stop):
        rows = n if n > 0 else int(timed[i])
        total = 0.0
        for k in range(rows):
            total += a[i - k]
        centre = total / rows if rows > 0 else np.nan
        m2, m3 = 0.0, 0.0
        for k in range(rows):
            d = a[i - k] - centre
            m2 += d * d
            m3 += d * d * d
        # Below this spread the differences are rounding, not data.
        known = rows >= 3 and m2 > rows * (1e-14 * centre) ** 2
        root = math.sqrt(rows * (rows - 1.0)) if known else 1.0
        out[i] = root / (rows - 2.0) * (m3 / rows) / (m2 / rows) ** 1.5 if known else np.nan
    return 0


@operator("x", params=(Window(least=4),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def kurt(start, stop, x, out, p, s):
    """Sample excess kurtosis of the window (bias-corrected as in pandas); NaN where constant."""
    a, timed = x[0], x[1]
    n = int(p[0])
    for i in range(start, stop):
        rows = n if n > 0 else int(timed[i])
        total = 0.0
        for k in range(rows):
            total += a[i - k]
        centre = total / rows if rows > 0 else np.nan
        m2, m4 = 0.0, 0.0
        for k in range(rows):
            d = a[i - k] - centre
            m2 += d * d
            m4 += d * d * d * d
        known = rows >= 4 and m2 > rows * (1e-14 * centre) ** 2
        g = rows * m4 / (m2 * m2) - 3.0 if known else np.nan
        out[i] = (rows - 1.0) / ((rows - 2.0) * (rows - 3.0)) * ((rows + 1.0) * g + 6.0)
    return 0
