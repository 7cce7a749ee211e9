"""Rolling least-squares line through the window's values, rows equally spaced."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(least=2), Number("what", least=0.0, most=3.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 8,
)
def regression(start, stop, x, out, p, s):
    """Line through the window: 0 its slope per row, 1 its value at the oldest row, 2 its R2, 3 at the newest.

    R2 is NaN where the window is constant.
    """
    a, timed = x[0], x[1]
    n, what = int(p[0]), int(p[1])
    # Sums of d, d * d and, with rows counted from the middle of the window, of row * d; d = x - anchor.
    anchor, first, second, tilt, worst = s[0], s[1], s[2], s[3], s[4]
    rows, bad, count = int(s[5]), int(s[6]), int(s[7])
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        count += 1
        d = a[i] - anchor
        if d != d:
            bad += 1
            d = 0.0
        tilt += 0.5 * rows * d - 0.5 * first
        rows += 1
        first += d
        second += d * d
        worst = max(worst, second)
        while rows > length:
            e = a[i - rows + 1] - anchor
            if e != e:
                bad -= 1
                e = 0.0
            rows -= 1
            first -= e
            second -= e * e
            tilt += 0.5 * rows * e - 0.5 * first
        spread = second - first * first / rows
        # Rounding so far is at most about 2e-16 * count * sqrt(rows ** 3 * worst): afresh before that is 1e-9
        # of the tilt, and every few windows, which costs little; so after an overflow, where both are NaN.
        size = float(rows)
        fine = 1e11 * tilt * tilt >= worst * count * count * size * size * size and count < 4.0 * rows + 64.0
        if not (fine and (what != 2 or count * worst <= 1e4 * spread)) and bad == 0:
            anchor = a[i]
            first, second, tilt, count = 0.0, 0.0, 0.0, 0
            middle = 0.5 * (rows - 1.0)
            for k in range(rows):
                d = a[i - k] - anchor
                first += d
                second += d * d
                tilt += (middle - k) * d
            worst = second
            spread = second - first * first / rows
        whole = rows == n if n > 0 else timed[i] > 0.0
        if not (whole and bad == 0 and rows >= 2):
            out[i] = np.nan
            continue
        slope = tilt / (size * (size * size - 1.0) / 12.0)
        mean = anchor + first / rows
        v = slope
        if what == 2:
            # Below this spread the differences are rounding, not data.
            varied = spread > rows * (1e-14 * mean) ** 2
            v = min(max(slope * (tilt / spread), 0.0), 1.0) if varied else np.nan
        elif what != 0:
            v = mean + slope * (0.5 * (rows - 1.0)) * (what - 2.0)
        out[i] = v if abs(v) < np.inf else np.nan
    s[0], s[1], s[2], s[3], s[4] = anchor, first, second, tilt, worst
    s[5], s[6], s[7] = rows, bad, count
    return 0
