"""Wilder's parabolic stop, which trails the price ever faster."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, operator


@operator(
    "high",
    "low",
    params=(Number("step", default=0.02, least=0.0), Number("most", default=0.2, least=0.0)),
    warmup=lambda p: 1,
    state=lambda p: 7,
    source="Wilder, New Concepts in Technical Trading Systems (1978), ch. 2; TA-Lib SAR",
)
def psar(start, stop, x, out, p, s):
    """Parabolic stop and reverse: its pace grows by `step` with each new extreme, to `most`."""
    h, l = x[0], x[1]  # noqa: E741
    most = p[1]
    step = min(p[0], most)
    seen, side, level, extreme, pace, high, low = int(s[0]), s[1], s[2], s[3], s[4], s[5], s[6]
    for i in range(start, stop):
        top, bottom = h[i], l[i]
        if top != top or bottom != bottom:
            out[i] = np.nan
            continue
        if seen == 0:
            seen, high, low = 1, top, bottom
            out[i] = np.nan
            continue
        if seen == 1:
            down = low - bottom
            side = -1.0 if down > 0.0 and down > top - high else 1.0
            level = low if side > 0.0 else -high
            extreme = top if side > 0.0 else -bottom
            seen, pace, high, low = 2, step, top, bottom
        # A falling stop is a rising one of the mirrored price: `level` and `extreme` are kept mirrored.
        far, near, past = (top, bottom, low) if side > 0.0 else (-bottom, -top, -high)
        if near <= level:
            side = -side
            far, near, past = (top, bottom, low) if side > 0.0 else (-bottom, -top, -high)
            level = min(-extreme, past, near)
            extreme, pace = far, step
        elif far > extreme:
            extreme, pace = far, min(pace + step, most)
        out[i] = side * level
        level = min(level + pace * (extreme - level), past, near)
        high, low = top, bottom
    s[0], s[1], s[2], s[3], s[4], s[5], s[6] = seen, side, level, extreme, pace, high, low
    return 0
