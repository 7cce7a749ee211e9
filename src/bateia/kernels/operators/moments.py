"""Rolling skewness and kurtosis from power sums about a moving anchor."""

from __future__ import annotations

import math

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(least=4), Number("tails", least=0.0, most=1.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 9,
    source="Joanes & Gill, Comparing measures of sample skewness and kurtosis (1998): G1 and G2",
)
def shape(start, stop, x, out, p, s):
    """Sample skewness of the window, or with tails 1 its excess kurtosis; NaN where constant."""
    a, timed = x[0], x[1]
    n, tails = int(p[0]), p[1] == 1.0
    fewest = 4 if tails else 3
    anchor, s1, s2, s3, s4, worst = s[0], s[1], s[2], s[3], s[4], s[5]
    rows, bad, count = int(s[6]), int(s[7]), int(s[8])
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        rows += 1
        count += 1
        d = a[i] - anchor
        if a[i] == a[i]:  # not d: after an overflow the anchor may be NaN
            q = d * d
            s1, s2, s3, s4 = s1 + d, s2 + q, s3 + q * d, s4 + q * q
        else:
            bad += 1
        worst = max(worst, s4)
        while rows > length:
            rows -= 1
            d = a[i - rows] - anchor
            if a[i - rows] == a[i - rows]:
                q = d * d
                s1, s2, s3, s4 = s1 - d, s2 - q, s3 - q * d, s4 - q * q
            else:
                bad -= 1
        mean = s1 / rows
        m2 = s2 - s1 * mean
        # Rounding so far is about 1e-16 * count * worst, and m4 at least m2 * m2 / rows: afresh, about the
        # mean, before it shows; so after an overflow.
        if not count * worst * rows <= 1e5 * m2 * m2 and bad == 0:
            total = 0.0
            for j in range(i - rows + 1, i + 1):
                total += a[j]
            anchor = total / rows
            s1, s2, s3, s4, count = 0.0, 0.0, 0.0, 0.0, 0
            for j in range(i - rows + 1, i + 1):
                d = a[j] - anchor
                q = d * d
                s1, s2, s3, s4 = s1 + d, s2 + q, s3 + q * d, s4 + q * q
            worst = s4
            mean = s1 / rows
            m2 = s2 - s1 * mean
        whole = rows == n if n > 0 else timed[i] > 0.0
        # Below this spread the differences are rounding, not data.
        known = whole and bad == 0 and rows >= fewest and m2 > rows * (1e-14 * (anchor + mean)) ** 2
        if not known:
            out[i] = np.nan
        elif tails:
            m4 = s4 - 4.0 * mean * s3 + 6.0 * mean * mean * s2 - 3.0 * mean * mean * mean * s1
            g = rows * m4 / (m2 * m2) - 3.0
            out[i] = (rows - 1.0) / ((rows - 2.0) * (rows - 3.0)) * ((rows + 1.0) * g + 6.0)
        else:
            m3 = s3 - 3.0 * mean * s2 + 2.0 * mean * mean * s1
            variance = m2 / rows
            root = math.sqrt(rows * (rows - 1.0)) / (rows - 2.0)
            out[i] = root * (m3 / rows) / (variance * math.sqrt(variance))
    s[0], s[1], s[2], s[3], s[4], s[5] = anchor, s1, s2, s3, s4, worst
    s[6], s[7], s[8] = rows, bad, count
    return 0
