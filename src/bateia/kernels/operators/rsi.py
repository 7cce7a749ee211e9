"""Relative strength: both of Wilder's averages in one loop, their chains side by side."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator(
    "x",
    params=(Window(timed=False),),
    history=lambda p: 1,
    warmup=lambda p: int(p[0]),
    state=lambda p: 3,
    source="Wilder, New Concepts in Technical Trading Systems (1978), ch. 6; TA-Lib RSI",
)
def rsi(start, stop, x, out, p, s):
    """Relative strength index, 0 to 100; 50 where the price never moved."""
    a = x[0]
    n = int(p[0])
    alpha = 1.0 / n
    keep = 1.0 - alpha
    gain, loss, seen = s[0], s[1], int(s[2])
    for i in range(start, stop):
        d = a[i] - a[i - 1]
        if d != d:
            out[i] = np.nan
            continue
        up = d if d > 0.0 else 0.0
        down = up - d
        if seen < n:
            gain += up
            loss += down
            seen += 1
            if seen < n:
                out[i] = np.nan
                continue
            gain /= n
            loss /= n
        else:
            gain = keep * gain + alpha * up
            loss = keep * loss + alpha * down
        whole = gain + loss
        out[i] = 100.0 * (gain / whole) if whole > 0.0 else 50.0
    s[0], s[1], s[2] = gain, loss, seen
    return 0
