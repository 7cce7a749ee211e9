"""Rolling extremes: remember the largest and its age, look again only when it leaves the window."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(), Number("age", default=0.0, least=0.0, most=1.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 4,
)
def highest(start, stop, x, out, p, s):
    """Largest value in the window, or with age 1 the rows since it, the newest of equals counting."""
    a, timed = x[0], x[1]
    n, wants_age = int(p[0]), p[1] == 1.0
    best, age, rows, bad = s[0], int(s[1]), int(s[2]), int(s[3])
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        rows += 1
        age += 1
        v = a[i]
        bad += v != v
        while rows > length:
            rows -= 1
            bad -= a[i - rows] != a[i - rows]
        if rows == 1 or v >= best:
            best, age = v, 0
        elif age >= rows or best != best:
            best, age = v, 0
            for k in range(1, rows):
                if a[i - k] > best or best != best:
                    best, age = a[i - k], k
        whole = rows == n if n > 0 else timed[i] > 0.0
        known = whole and bad == 0
        out[i] = (age if wants_age else best) if known else np.nan
    s[0], s[1], s[2], s[3] = best, age, rows, bad
    return 0
