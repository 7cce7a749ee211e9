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
        below, not_above = 0, 0  # by counting, many at once: no branch to mispredict
        for k in range(i - rows + 1, i):
            below += 1 if a[k] < v else 0
            not_above += 1 if a[k] <= v else 0
        above = 0
        for k in range(i - rows + 1, i):
            above += 1 if a[k] > v else 0
        whole = rows >= 2 and not_above + above == rows - 1
        out[i] = (below + 0.5 * (not_above - below)) / (rows - 1) if whole else np.nan
    return 0
