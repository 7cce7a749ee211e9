"""The value some rows, or some time, ago, and the return since."""

from __future__ import annotations

import math

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


@operator("x", params=(Window(),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]))
def log_return(start, stop, x, out, p, s):
    """Natural logarithm of x over its lag, NaN where their ratio is not positive."""
    a, rows = x[0], x[1]
    n = int(p[0])
    for i in range(start, stop):
        back = n if n > 0 else int(rows[i])
        ratio = a[i] / a[i - back] if back > 0 and a[i - back] != 0.0 else np.nan
        out[i] = math.log(ratio) if 0.0 < ratio < np.inf else np.nan
    return 0
