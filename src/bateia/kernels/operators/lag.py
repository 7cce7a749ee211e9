"""The value some rows, or some time, ago."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator("x", params=(Window(),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]))
def lag(start, stop, x, out, p, s):
    """x as it was n rows ago, or at the last row at least a duration ago."""
    a, rows = x[0], x[1]
    n = int(p[0])
    if n > 0:
        for i in range(start, stop):
            out[i] = a[i - n]
    else:
        for i in range(start, stop):
            out[i] = a[i - int(rows[i])] if rows[i] > 0.0 else np.nan
    return 0
