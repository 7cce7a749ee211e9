"""Rolling standard deviation from sums about a moving anchor."""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from bateia.kernels.operator import Number, Window, operator


@register_jitable
def sums_about_the_mean(a, first_row, last_row):
    """The mean of the rows, and the sums of the distances from it and of their squares."""
    total = 0.0
    for j in range(first_row, last_row + 1):
        total += a[j]
    anchor = total / (last_row - first_row + 1)
    first, second = 0.0, 0.0
    for j in range(first_row, last_row + 1):
        d = a[j] - anchor
        first += d
        second += d * d
    return anchor, first, second


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
    share = 1.0 / n if n > 0 else 0.0
    scale = 1.0 / (n - ddof) if n > 0 else 0.0
    missing = 0
    for i in range(start, stop):
        missing += a[i] != a[i]
    # Rounding so far is about 1e-16 * count * worst: afresh, about the mean, before it shows; so after an
    # overflow, where the spread is NaN.
    usual = stop if n > 0 and rows == n and bad == 0 and missing == 0 else start
    for i in range(start, usual):  # a full window of known values: one in, one out
        d, e = a[i] - anchor, a[i - n] - anchor
        count += 1
        first += d - e
        second += d * d - e * e
        worst = second if second > worst else worst
        spread = second - first * first * share
        if not count * worst <= 1e4 * spread:
            anchor, first, second = sums_about_the_mean(a, i - n + 1, i)
            worst, count = second, 0
            spread = max(second - first * first * share, 0.0)
        out[i] = spread * scale
    for i in range(start, usual):  # roots apart: the processor takes many at once
        root = math.sqrt(out[i])
        out[i] = root if root < np.inf else np.nan
    for i in range(usual, stop):
        length = n if n > 0 else int(abs(timed[i]))
        d = a[i] - anchor
        count += 1
        more, squares = 0.0, 0.0
        if a[i] == a[i]:  # not d: after an overflow the anchor may be NaN
            more, squares = d, d * d
        else:
            bad += 1
        rows += 1
        while rows > length:
            rows -= 1
            e = a[i - rows] - anchor
            if a[i - rows] == a[i - rows]:
                more -= e
                squares -= e * e
            else:
                bad -= 1
        first += more
        second += squares
        share = 1.0 / rows
        scale = 1.0 / (rows - ddof) if rows > ddof else np.nan
        worst = second if second > worst else worst
        spread = second - first * first * share
        if not count * worst <= 1e4 * spread and bad == 0:
            anchor, first, second = sums_about_the_mean(a, i - rows + 1, i)
            worst, count = second, 0
            spread = max(second - first * first * share, 0.0)
        whole = rows == n if n > 0 else timed[i] > 0.0
        root = math.sqrt(spread * scale)
        out[i] = root if whole and bad == 0 and root < np.inf else np.nan
    s[0], s[1], s[2], s[3], s[4], s[5], s[6] = anchor, first, second, worst, rows, bad, count
    return 0
