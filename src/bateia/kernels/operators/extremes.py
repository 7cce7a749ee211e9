"""Rolling extremes, and how long ago they were."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator

_SIGN = Number("sign", default=1.0, least=-1.0, most=1.0)


@operator(
    "x",
    params=(Window(), _SIGN),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 4 + int(p[0]),
    source="van Herk (1992), Gil & Werman (1993): three comparisons a row, whatever the window",
)
def highest(start, stop, x, out, p, s):
    """Largest value in the window; smallest with sign -1."""
    a, timed = x[0], x[1]
    n, sign = int(p[0]), -1.0 if p[1] < 0.0 else 1.0
    # Rows come in chunks of n: `front` is the largest so far of this chunk, s[4:] those of the ends of the
    # chunk before; a window is an end and a front.
    front, place, rows, bad = s[0], int(s[1]), int(s[2]), int(s[3])
    for i in range(start, stop if n > 0 else start):
        if place == n:
            place = 0
            end = -np.inf
            for k in range(1, n + 1):
                w = sign * a[i - k]
                end = w if w > end else end
                s[4 + n - k] = end
        v = sign * a[i]
        if rows == n:
            bad -= a[i - n] != a[i - n]
        else:
            rows += 1
        bad += v != v
        if place == 0:
            front = -np.inf
        front = v if v > front else front
        place += 1
        best = front
        if place < n and s[4 + place] > best:
            best = s[4 + place]
        out[i] = sign * best if rows == n and bad == 0 else np.nan
    for i in range(start, start if n > 0 else stop):  # by duration: look again when the largest leaves
        place += 1
        v = sign * a[i]
        within = int(abs(timed[i]))
        if v >= front and rows > 0:
            front, place = v, 0
        elif place >= within or front != front or rows == 0:
            front, place = v, 0
            for k in range(1, within):
                w = sign * a[i - k]
                if w > front or front != front:
                    front, place = w, k
        bad += v != v
        rows += 1
        while rows > within:
            rows -= 1
            bad -= a[i - rows] != a[i - rows]
        out[i] = sign * front if timed[i] > 0.0 and bad == 0 else np.nan
    s[0], s[1], s[2], s[3] = front, place, rows, bad
    return 0


@operator(
    "x",
    params=(Window(), _SIGN),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 4,
)
def age_of_highest(start, stop, x, out, p, s):
    """Rows since the window's largest value (smallest with sign -1), the newest of equals counting."""
    a, timed = x[0], x[1]
    n, sign = int(p[0]), -1.0 if p[1] < 0.0 else 1.0
    best, age, rows, bad = s[0], int(s[1]), int(s[2]), int(s[3])
    for i in range(start, stop):
        length = n if n > 0 else int(abs(timed[i]))
        rows += 1
        age += 1
        v = sign * a[i]
        bad += v != v
        while rows > length:
            rows -= 1
            bad -= a[i - rows] != a[i - rows]
        if rows == 1 or v >= best:
            best, age = v, 0
        elif age >= rows or best != best:  # it left the window: look again
            best, age = v, 0
            for k in range(1, rows):
                w = sign * a[i - k]
                if w > best or best != best:
                    best, age = w, k
        whole = rows == n if n > 0 else timed[i] > 0.0
        out[i] = age if whole and bad == 0 else np.nan
    s[0], s[1], s[2], s[3] = best, age, rows, bad
    return 0
