"""Relative strength: both of Wilder's averages in one loop, their chains side by side."""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from bateia.kernels.operator import Window, operator


@register_jitable
def share(gain, loss):
    """Gains as a part of all moves, 0 to 100; 50 where the price never moved."""
    whole = gain + loss
    return 100.0 * (gain / whole) if whole > 0.0 else 50.0


@operator(
    "x",
    params=(Window(timed=False),),
    history=lambda p: 1,
    warmup=lambda p: int(p[0]),
    state=lambda p: 6,
    source="Wilder, New Concepts in Technical Trading Systems (1978), ch. 6; TA-Lib RSI",
)
def rsi(start, stop, x, out, p, s):
    """Relative strength index, 0 to 100; 50 where the price never moved.

    Four moves make a round, as in smooth: the averages move on once a round, counted from the seed.
    """
    a = x[0]
    n = int(p[0])
    alpha = 1.0 / n
    keep = 1.0 - alpha
    keep2 = keep * keep
    keep3, keep4 = keep2 * keep, keep2 * keep2
    gain, loss, seen = s[0], s[1], int(s[2])
    up, down, step = s[3], s[4], int(s[5])  # what came since the last round's end
    missing = 0
    for i in range(start, stop):
        missing += a[i] - a[i - 1] != a[i] - a[i - 1]
    i = start
    while i < stop:
        if step == 0 and missing == 0 and seen >= n:  # whole rounds of known values, the usual case
            for _ in range((stop - i) // 4):
                m1, m2, m3, m4 = a[i] - a[i - 1], a[i + 1] - a[i], a[i + 2] - a[i + 1], a[i + 3] - a[i + 2]
                u1 = m1 if m1 > 0.0 else 0.0
                u2 = m2 if m2 > 0.0 else 0.0
                u3 = m3 if m3 > 0.0 else 0.0
                u4 = m4 if m4 > 0.0 else 0.0
                d1, d2, d3, d4 = alpha * (u1 - m1), u2 - m2, u3 - m3, u4 - m4
                u1 = alpha * u1
                u2 = keep * u1 + alpha * u2
                d2 = keep * d1 + alpha * d2
                u3 = keep * u2 + alpha * u3
                d3 = keep * d2 + alpha * d3
                u4 = keep * u3 + alpha * u4
                d4 = keep * d3 + alpha * d4
                out[i] = share(keep * gain + u1, keep * loss + d1)
                out[i + 1] = share(keep2 * gain + u2, keep2 * loss + d2)
                out[i + 2] = share(keep3 * gain + u3, keep3 * loss + d3)
                gain, loss = keep4 * gain + u4, keep4 * loss + d4
                out[i + 3] = share(gain, loss)
                i += 4
            if i == stop:
                break
        d = a[i] - a[i - 1]
        out[i] = np.nan
        if d == d:
            rise = d if d > 0.0 else 0.0
            fall = rise - d
            if seen < n:
                gain += rise
                loss += fall
                seen += 1
                if seen == n:
                    gain /= n
                    loss /= n
                    out[i] = share(gain, loss)
            else:
                up = keep * up + alpha * rise if step > 0 else alpha * rise
                down = keep * down + alpha * fall if step > 0 else alpha * fall
                step += 1
                power = keep if step == 1 else (keep2 if step == 2 else (keep3 if step == 3 else keep4))
                now, fallen = power * gain + up, power * loss + down
                out[i] = share(now, fallen)
                if step == 4:
                    gain, loss, up, down, step = now, fallen, 0.0, 0.0, 0
        i += 1
    s[0], s[1], s[2], s[3], s[4], s[5] = gain, loss, seen, up, down, step
    return 0
