"""Rolling sum: one addition in, one out, taken afresh before rounding can add up."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Window, operator


@operator(
    "x",
    params=(Window(),),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 4,
)
def sum_(start, stop, x, out, p, s):
    """Sum over the window."""
    a, timed = x[0], x[1]
    n = int(p[0])
    total, rows, bad, count = s[0], int(s[1]), int(s[2]), int(s[3])
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        v = a[i]
        if v == v:
            total += v
        else:
            bad += 1
        rows += 1
        count += 1
        # Afresh every 1024 rows, and when a value leaves that dwarfs what stays.
        stale = count >= 1024 and count >= length
        while rows > length:
            rows -= 1
            old = a[i - rows]
            if old == old:
                total -= old
                stale = stale or abs(old) > 1e3 * abs(total)
            else:
                bad -= 1
        if stale:
            total = 0.0
            count = 0
            for j in range(i - rows + 1, i + 1):
                if a[j] == a[j]:
                    total += a[j]
        whole = rows == n if n > 0 else timed[i] > 0.0
        out[i] = total if whole and bad == 0 else np.nan
    s[0], s[1], s[2], s[3] = total, rows, bad, count
    return 0
