"""The exponential average that EMA and Wilder's smoothing are made of."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(timed=False), Number("alpha", least=0.0, most=1.0)),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 4,
)
def smooth(start, stop, x, out, p, s):
    """Exponential average with weight alpha on the newest value, seeded with the mean of the first n.

    Four values make a round: the level moves on once a round, the values within it are added to where it
    began, so that the chain of dependent steps is a quarter as long. Rounds are counted from the seed.
    """
    a = x[0]
    n, alpha = int(p[0]), p[1]
    keep = 1.0 - alpha
    keep2 = keep * keep
    keep3, keep4 = keep2 * keep, keep2 * keep2
    # `level` is the average at the last round's end, `since` what came after, `step` how many values.
    level, seen, since, step = s[0], int(s[1]), s[2], int(s[3])
    i = start
    while i < stop and seen < n:
        out[i] = np.nan
        if a[i] == a[i]:
            level += a[i]
            seen += 1
            if seen == n:
                level /= n
                if level - level == 0.0:
                    out[i] = level
                else:  # more than a float holds: a seed of later values
                    level, seen = 0.0, 0
        i += 1
    missing = 0
    for j in range(i, stop):
        missing += a[j] != a[j]
    while i < stop:
        if step == 0 and missing == 0:  # whole rounds of known values, the usual case
            for _ in range((stop - i) // 4):
                d1 = alpha * a[i]
                d2 = keep * d1 + alpha * a[i + 1]
                d3 = keep * d2 + alpha * a[i + 2]
                d4 = keep * d3 + alpha * a[i + 3]
                out[i] = keep * level + d1
                out[i + 1] = keep2 * level + d2
                out[i + 2] = keep3 * level + d3
                level = keep4 * level + d4
                out[i + 3] = level
                i += 4
            if i == stop:
                break
        v = a[i]
        out[i] = np.nan
        if v == v:
            since = keep * since + alpha * v if step > 0 else alpha * v
            step += 1
            power = keep if step == 1 else (keep2 if step == 2 else (keep3 if step == 3 else keep4))
            now = power * level + since
            out[i] = now
            if step == 4:
                level, since, step = now, 0.0, 0
        i += 1
    s[0], s[1], s[2], s[3] = level, seen, since, step
    return 0
