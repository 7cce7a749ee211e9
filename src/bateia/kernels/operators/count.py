"""How many rows a window holds."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator("x", params=(Window(),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def count(start, stop, x, out, p, s):
    """Rows in the window: n, or as many as fell within the duration; NaN where the first or newest x is."""
    a, timed = x[0], x[1]
    n = int(p[0])
    for i in range(start, stop):
        if n > 0:
            out[i] = n if a[i] == a[i] and a[i - n + 1] == a[i - n + 1] else np.nan
        else:
            out[i] = timed[i] if timed[i] > 0.0 and a[i] == a[i] else np.nan
    return 0
