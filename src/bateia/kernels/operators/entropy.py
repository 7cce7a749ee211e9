"""How evenly the window's values fill the range between their extremes."""

from __future__ import annotations

import math

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(least=2), Number("bins", least=2.0, most=1000.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 8 + int(p[0]) + int(p[1]),
    source="Shannon, A mathematical theory of communication (1948)",
)
def entropy(start, stop, x, out, p, s):
    """Shannon entropy of the window's histogram of equal bins between its extremes: 0 constant, 1 even."""
    a, timed = x[0], x[1]
    n, bins = int(p[0]), int(p[1])
    low, high, rows, bad, counted = s[0], s[1], int(s[2]), int(s[3]), s[4] == 1.0
    lows, highs = int(s[6]), int(s[7])
    # s[8:] are the bins' counts, then c * log(c) for c to n, which a count window uses again and again.
    table = 8 + bins
    if s[5] == 0.0:
        s[5] = 1.0
        for c in range(1, n):
            s[table + c] = c * math.log(c)
    share, full = 1.0 / math.log(bins), math.log(n) if n > 0 else 0.0
    scale = bins / (high - low) if counted else 0.0
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        v = a[i]
        rows += 1
        bad += v != v
        # The histogram holds while some value is at either extreme: one in, one out.
        counted = counted and low <= v <= high
        if counted:
            s[8 + min(int((v - low) * scale), bins - 1)] += 1.0
            lows += v == low
            highs += v == high
        while rows > length:
            rows -= 1
            old = a[i - rows]
            bad -= old != old
            if counted:
                s[8 + min(int((old - low) * scale), bins - 1)] -= 1.0
                lows -= old == low
                highs -= old == high
                counted = lows > 0 and highs > 0
        whole = rows == n if n > 0 else timed[i] > 0.0
        if not whole or bad > 0:
            out[i] = np.nan
            counted = False
            continue
        if not counted:
            low, high = v, v
            for k in range(i - rows + 1, i):
                low = a[k] if a[k] < low else low
                high = a[k] if a[k] > high else high
            scale = bins / (high - low) if high > low else 0.0
            if not 0.0 < scale < np.inf:
                out[i] = 0.0 if low == high else np.nan
                continue
            lows, highs = 0, 0
            for k in range(bins):
                s[8 + k] = 0.0
            for k in range(i - rows + 1, i + 1):
                s[8 + min(int((a[k] - low) * scale), bins - 1)] += 1.0
                lows += a[k] == low
                highs += a[k] == high
            counted = True
        total = 0.0
        for k in range(bins):
            c = s[8 + k]
            if n > 0:
                total += s[table + int(c)]
            elif c > 0.0:
                total += c * math.log(c)
        most = full if n > 0 else math.log(rows)
        out[i] = min(max((most - total / rows) * share, 0.0), 1.0)
    s[0], s[1], s[2], s[3], s[4] = low, high, rows, bad, 1.0 if counted else 0.0
    s[6], s[7] = lows, highs
    return 0
