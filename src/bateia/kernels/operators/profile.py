"""Rolling volume profile: at which prices the window's volume was traded."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "price",
    "volume",
    params=(
        Window(timed=False),
        Number("bins", least=1.0, most=1000.0),
        Number("what", least=0.0, most=2.0),
    ),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 5 + 2 * int(p[1]),
    source="Steidlmayer & Koy, Markets and Market Logic (1986)",
)
def profile(start, stop, x, out, p, s):
    """Point of control of the window's volume, or with what 1 and 2 the top and bottom of its value area.

    The buckets are equally wide between the lowest and highest price. The point of control is the middle of
    the fullest, the lowest of equals; from there the value area takes in the fuller neighbour, the upper of
    equals, until it holds 70% of the volume.
    """
    price, volume = x[0], x[1]
    n, bins, what = int(p[0]), int(p[1]), int(p[2])
    # s[5:] holds the buckets, then what rounding took from each: volume that leaves leaves nothing behind.
    sums, carries = 5, 5 + bins
    rows, bad, counted, bottom, top = int(s[0]), int(s[1]), s[2], s[3], s[4]
    for i in range(start, stop):
        v, old = price[i], bottom
        bad += not (v == v and volume[i] == volume[i])
        if rows == n:
            old = price[i - n]
            bad -= not (old == old and volume[i - n] == volume[i - n])
        else:
            rows += 1
        if rows < n or bad > 0:
            counted = 0.0
            out[i] = np.nan
            continue
        lowest, highest = min(bottom, v), max(top, v)
        if counted == 0.0 or not bottom < old < top:
            lowest, highest = v, v
            for j in range(i - n + 1, i):
                lowest, highest = min(lowest, price[j]), max(highest, price[j])
        begin, step = i - n, n  # one row out, one in, while the buckets stay where they are
        if counted == 0.0 or lowest != bottom or highest != top:
            begin, step, bottom, top = i - n + 1, 1, lowest, highest
            for k in range(sums, sums + 2 * bins):
                s[k] = 0.0
        width = top - bottom
        span = width if width > 0.0 else 1.0
        for j in range(begin, i + 1, step):
            amount = -volume[j] if j == i - n else volume[j]
            place = (price[j] - bottom) / span * bins
            k = int(place) if place < bins else bins - 1
            held = s[sums + k]
            new = held + amount
            part = new - held
            s[carries + k] += (held - (new - part)) + (amount - part)
            s[sums + k] = new
        total, most, middle = 0.0, -np.inf, 0
        for k in range(bins):
            held = s[sums + k] + s[carries + k]
            total += held
            middle = k if held > most else middle
            most = held if held > most else most
        counted = 1.0 if abs(total) < np.inf else 0.0
        low, high, covered = middle, middle, most
        while what > 0 and covered < 0.7 * total and high - low < bins - 1:
            above, below = -np.inf, -np.inf
            if high < bins - 1:
                above = s[sums + high + 1] + s[carries + high + 1]
            if low > 0:
                below = s[sums + low - 1] + s[carries + low - 1]
            if above >= below:
                high, covered = high + 1, covered + above
            else:
                low, covered = low - 1, covered + below
        edge = middle + 0.5 if what == 0 else (high + 1.0 if what == 1 else low)
        found = bottom + width * (edge / bins)
        out[i] = found if 0.0 < total < np.inf and abs(found) < np.inf else np.nan
    s[0], s[1], s[2], s[3], s[4] = rows, bad, counted, bottom, top
    return 0
