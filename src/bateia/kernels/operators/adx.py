"""Directional movement in one loop: three of Wilder's sums and the average of their index."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator(
    "high",
    "low",
    "close",
    params=(Window(timed=False, least=2),),
    history=lambda p: 1,
    warmup=lambda p: 2 * int(p[0]) - 1,
    state=lambda p: 5,
    source="Wilder, New Concepts in Technical Trading Systems (1978), ch. 4; TA-Lib ADX",
)
def adx(start, stop, x, out, p, s):
    """Average directional index, 0 to 100: how strong the trend is, whatever its direction."""
    h, l, c = x[0], x[1], x[2]  # noqa: E741
    n = int(p[0])
    keep = 1.0 - 1.0 / n
    rate = 1.0 / n
    plus, minus, span, index, seen = s[0], s[1], s[2], s[3], int(s[4])
    for i in range(start, stop):
        up = h[i] - h[i - 1]
        down = l[i - 1] - l[i]
        before = c[i - 1]
        reach = max(h[i], before) - min(l[i], before)
        if up != up or down != down or before != before:
            out[i] = np.nan
            continue
        rise = up if up > down and up > 0.0 else 0.0
        fall = down if down > up and down > 0.0 else 0.0
        if seen < n - 1:
            plus += rise
            minus += fall
            span += reach
        else:
            plus = keep * plus + rise
            minus = keep * minus + fall
            span = keep * span + reach
        seen += 1
        out[i] = np.nan
        if not plus + minus + span < np.inf:  # more than a float holds: anew
            plus, minus, span, index, seen = 0.0, 0.0, 0.0, 0.0, 0
        if seen >= n:
            moved = plus + minus
            strength = 100.0 * (abs(plus - minus) / moved) if moved > 0.0 and span > 0.0 else 0.0
            if seen < 2 * n - 1:
                index += strength
            elif seen == 2 * n - 1:
                index = (index + strength) * rate
                out[i] = index
            else:
                index = keep * index + rate * strength
                out[i] = index
    s[0], s[1], s[2], s[3], s[4] = plus, minus, span, index, seen
    return 0
