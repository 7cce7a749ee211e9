"""Rolling least-squares line through the window's values."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator("x", params=(Window(least=2),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def slope(start, stop, x, out, p, s):
    """Least-squares slope of x against the row number, per row."""
    a, timed = x[0], x[1]
    n = int(p[0])
    for i in range(start, stop):
        rows = n if n > 0 else int(timed[i])
        middle = (rows - 1) / 2.0
        product = 0.0
        for k in range(rows):
            product += (middle - k) * (a[i - k] - a[i])
        out[i] = product / (rows * (rows * rows - 1.0) / 12.0) if rows >= 2 else np.nan
    return 0
