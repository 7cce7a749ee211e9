"""Rolling standard deviation from sums about a moving anchor."""

from __future__ import annotations

import math

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(least=2), Number("ddof", default=1.0, least=0.0, most=1.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 7,
    source="Chan, Golub & LeVeque, Algorithms for computing the sample variance (1983): shifted data",
)
def std(start, stop, x, out, p, s):
    """Standard deviation over the window; ddof 1 divides by n - 1, 0 by n."""
    a, timed = x[0], x[1]
    n, ddof = int(p[0]), p[1]
    anchor, first, second, worst = s[0], s[1], s[2], s[3]
    rows, bad, count = int(s[4]), int(s[5]), int(s[6])
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        d = a[i] - anchor
        if d == d:
            first += d
            second += d * d
        else:
            bad += 1
        rows += 1
        count += 1
        worst = max(worst, second)
        while rows > length:
            rows -= 1
            d = a[i - rows] - anchor
            if d == d:
                first -= d
                second -= d * d
            else:
                bad -= 1
        spread = second - first * first / rows
        # Rounding so far is about 1e-16 * count * worst: afresh, about the mean, before it shows; so after
        # an overflow, where the spread is NaN.
        if not count * worst <= 1e4 * spread and bad == 0:
            total = 0.0
            for j in range(i - rows + 1, i + 1):
                total += a[j]
            anchor = total / rows
            first, second, count = 0.0, 0.0, 0
            for j in range(i - rows + 1, i + 1):
                d = a[j] - anchor
                first += d
                second += d * d
            worst = second
            spread = max(second - first * first / rows, 0.0)
        whole = rows == n if n > 0 else timed[i] > 0.0
        known = whole and bad == 0 and rows > ddof
        out[i] = math.sqrt(spread / (rows - ddof)) if known else np.nan
    s[0], s[1], s[2], s[3], s[4], s[5], s[6] = anchor, first, second, worst, rows, bad, count
    return 0
