"""How far a bar moved, the gap before it included."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import operator


@operator(
    "high",
    "low",
    "close",
    history=lambda p: 1,
    warmup=lambda p: 1,
    late=("close",),
    source="Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib TRANGE",
)
def true_range(start, stop, x, out, p, s):
    """Range of the bar and the last close together."""
    h, l, c = x[0], x[1], x[2]  # noqa: E741
    for i in range(start, stop):
        before = c[i - 1]
        top = h[i] if h[i] > before else before
        bottom = l[i] if l[i] < before else before
        reach = top - bottom
        known = h[i] == h[i] and l[i] == l[i] and before == before and reach < np.inf
        out[i] = reach if known else np.nan
    return 0
