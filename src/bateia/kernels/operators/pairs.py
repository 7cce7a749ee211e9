"""Rolling covariance and correlation from sums about moving anchors."""

from __future__ import annotations

import math

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "a",
    "b",
    params=(Window(least=2), Number("scaled", default=0.0, least=0.0, most=1.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 12,
)
def cov(start, stop, x, out, p, s):
    """Sample covariance of a and b over the window, or with scaled 1 their correlation, in [-1, 1]."""
    a, b, timed = x[0], x[1], x[2]
    n, scaled = int(p[0]), p[1] == 1.0
    at_a, at_b, sa, sb, saa, sbb, sab = s[0], s[1], s[2], s[3], s[4], s[5], s[6]
    worst_a, worst_b = s[7], s[8]
    rows, bad, count = int(s[9]), int(s[10]), int(s[11])
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        rows += 1
        count += 1
        u, v = a[i] - at_a, b[i] - at_b
        if a[i] == a[i] and b[i] == b[i]:  # not u and v: after an overflow an anchor may be NaN
            sa, sb, saa, sbb, sab = sa + u, sb + v, saa + u * u, sbb + v * v, sab + u * v
        else:
            bad += 1
        worst_a, worst_b = max(worst_a, saa), max(worst_b, sbb)
        while rows > length:
            rows -= 1
            u, v = a[i - rows] - at_a, b[i - rows] - at_b
            if a[i - rows] == a[i - rows] and b[i - rows] == b[i - rows]:
                sa, sb, saa, sbb, sab = sa - u, sb - v, saa - u * u, sbb - v * v, sab - u * v
            else:
                bad -= 1
        spread_a, spread_b = saa - sa * sa / rows, sbb - sb * sb / rows
        # Rounding so far is about 1e-16 * count * worst: afresh, about the means, before it shows.
        fine = count * worst_a <= 1e4 * spread_a and count * worst_b <= 1e4 * spread_b
        if not fine and bad == 0:
            ta, tb = 0.0, 0.0
            for j in range(i - rows + 1, i + 1):
                ta += a[j]
                tb += b[j]
            at_a, at_b = ta / rows, tb / rows
            sa, sb, saa, sbb, sab, count = 0.0, 0.0, 0.0, 0.0, 0.0, 0
            for j in range(i - rows + 1, i + 1):
                u, v = a[j] - at_a, b[j] - at_b
                sa, sb, saa, sbb, sab = sa + u, sb + v, saa + u * u, sbb + v * v, sab + u * v
            worst_a, worst_b = saa, sbb
            spread_a, spread_b = saa - sa * sa / rows, sbb - sb * sb / rows
        whole = rows == n if n > 0 else timed[i] > 0.0
        shared = sab - sa * sb / rows
        if not (whole and bad == 0 and rows >= 2):
            out[i] = np.nan
        elif scaled:
            mean_a, mean_b = at_a + sa / rows, at_b + sb / rows
            # Below this spread the differences are rounding, not data.
            varied = spread_a > rows * (1e-14 * mean_a) ** 2 and spread_b > rows * (1e-14 * mean_b) ** 2
            r = shared / (math.sqrt(spread_a) * math.sqrt(spread_b)) if varied else np.nan
            out[i] = min(max(r, -1.0), 1.0) if varied else np.nan
        else:
            v = shared / (rows - 1.0)
            out[i] = v if abs(v) < np.inf else np.nan
    s[0], s[1], s[2], s[3], s[4], s[5], s[6] = at_a, at_b, sa, sb, saa, sbb, sab
    s[7], s[8], s[9], s[10], s[11] = worst_a, worst_b, rows, bad, count
    return 0
