"""Where the current value stands among those of its window."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator("x", params=(Window(least=2),), history=lambda p: int(p[0]), warmup=lambda p: int(p[0]) - 1)
def rank(start, stop, x, out, p, s):
    """Fraction of the window's values at or below the current one, ties half: 0 lowest, 1 highest."""
    a, timed = x[0], x[1]
    n = int(p[0])
    for i in range(start, stop):
        rows = n if n > 0 else int(timed[i])
        v = a[i]
        below, bad = 0.0, v != v or rows < 2
        for k in range(1, rows):
            w = a[i - k]
            below += 1.0 if w < v else (0.5 if w == v else 0.0)
            bad = bad or w != w
        out[i] = np.nan if bad else below / (rows - 1)
    return 0
