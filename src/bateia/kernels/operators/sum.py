"""Rolling sum: one addition in, one out, taken afresh before rounding can add up."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator

MOST = 1e300
"""Values beyond it count as missing: no window's sum overflows."""


@operator(
    "x",
    params=(Window(), Number("divide", default=0.0, least=0.0, most=1.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 4,
)
def sum_(start, stop, x, out, p, s):
    """Sum over the window, or with divide 1 their mean."""
    a, timed = x[0], x[1]
    n, divide = int(p[0]), p[1] == 1.0
    total, rows, bad, count = s[0], int(s[1]), int(s[2]), int(s[3])
    scale = 1.0 / n if divide and n > 0 else 1.0
    missing = 0
    for i in range(start, stop):
        missing += not abs(a[i]) < MOST
    # A full window of known values, the usual case: one in, one out.
    middle = stop if n > 0 and rows == n and bad == 0 and missing == 0 else start
    for i in range(start, middle):
        old = a[i - n]
        total += a[i] - old
        count += 1
        # Afresh every 1024 rows, and when a value leaves that dwarfs what stays.
        if (count >= 1024 and count >= n) or abs(old) > 1e3 * abs(total):
            total = 0.0
            count = 0
            for j in range(i - n + 1, i + 1):
                total += a[j]
        out[i] = total * scale
    for i in range(middle, stop):
        length = n if n > 0 else int(abs(timed[i]))
        known = abs(a[i]) < MOST
        change = a[i] if known else 0.0
        bad += not known
        rows += 1
        count += 1
        stale = count >= 1024 and count >= length
        largest = 0.0
        while rows > length:
            rows -= 1
            old = a[i - rows]
            if abs(old) < MOST:
                change -= old
                largest = max(largest, abs(old))
            else:
                bad -= 1
        total += change
        if stale or largest > 1e3 * abs(total):
            total = 0.0
            count = 0
            for j in range(i - rows + 1, i + 1):
                if abs(a[j]) < MOST:
                    total += a[j]
        whole = rows == n if n > 0 else timed[i] > 0.0
        part = scale if n > 0 or not divide else 1.0 / rows
        out[i] = total * part if whole and bad == 0 else np.nan
    s[0], s[1], s[2], s[3] = total, rows, bad, count
    return 0
