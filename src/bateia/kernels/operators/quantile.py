"""Rolling quantiles: a sorted window by count, a pivot that walks with the window by duration."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import Number, Window, operator


@operator(
    "x",
    params=(Window(), Number("q", default=0.5, least=0.0, most=1.0)),
    history=lambda p: int(p[0]),
    warmup=lambda p: int(p[0]) - 1,
    state=lambda p: 5 + int(p[0]),
    source="Hyndman & Fan, Sample quantiles in statistical packages (1996), definition 7",
)
def quantile(start, stop, x, out, p, s):
    """The window's value at the fraction q of its order, 0 lowest, 1 highest, linear between two."""
    a, timed = x[0], x[1]
    n, q = int(p[0]), p[1]
    rows, known = int(s[0]), int(s[1])
    pivot, below, equal = s[2], int(s[3]), int(s[4])
    # By count: the known values of the window lie sorted in s[5:].
    for i in range(start, stop if n > 0 else start):
        v, old = a[i], a[i - n]
        came, gone = v == v, rows == n and old == old
        rows = min(rows + 1, n)
        at, left, size = 0, 0, known
        while size > 128:
            half = size >> 1
            at += half if s[4 + at + half] < v else 0
            left += half if s[4 + left + half] < old else 0
            size -= half
        lower, less = 0, 0  # the rest by counting, many at once: no branch to mispredict
        for k in range(5, 5 + size):
            lower += 1 if s[at + k] < v else 0
            less += 1 if s[left + k] < old else 0
        at = at + lower if came else known
        left = left + less if gone else known
        if at > left:
            for k in range(left, at - 1):
                s[5 + k] = s[6 + k]
            at -= 1
        else:
            for k in range(left, at, -1):
                s[5 + k] = s[4 + k]
        if came:
            s[5 + at] = v
        known += int(came) - int(gone)
        if known == n:
            place = q * (n - 1.0)
            under = int(place)
            part = place - under
            low = s[5 + under]
            high = s[6 + under] if part > 0.0 else low
            span = high - low
            out[i] = low + part * span if span < np.inf else (1.0 - part) * low + part * high
        else:
            out[i] = np.nan
    # By duration: a pivot among the values, how many lie below it and how many are its equals. A row in or
    # out moves the place that is asked for by one, so the pivot takes a step or two a row, a pass for each.
    for i in range(start, start if n > 0 else stop):
        v, length = a[i], int(abs(timed[i]))
        rows += 1
        known += 1 if v == v else 0
        below += 1 if v < pivot else 0
        equal += 1 if v == pivot else 0
        while rows > length:
            rows -= 1
            old = a[i - rows]
            known -= 1 if old == old else 0
            below -= 1 if old < pivot else 0
            equal -= 1 if old == pivot else 0
        place = q * (known - 1.0)
        under = int(place) if known > 0 else 0
        while known > 0 and under < below:
            best, equal = -np.inf, 0
            for k in range(i - rows + 1, i + 1):
                if best <= a[k] < pivot:
                    equal = equal + 1 if a[k] == best else 1
                    best = a[k]
            pivot = best
            below -= equal
        while known > 0 and under >= below + equal:
            below += equal
            best, equal = np.inf, 0
            for k in range(i - rows + 1, i + 1):
                if pivot < a[k] <= best:
                    equal = equal + 1 if a[k] == best else 1
                    best = a[k]
            pivot = best
        if timed[i] > 0.0 and known == rows:
            part, high = place - under, pivot
            if part > 0.0 and under + 1 >= below + equal:
                high = np.inf
                for k in range(i - rows + 1, i + 1):
                    if pivot < a[k] < high:
                        high = a[k]
            span = high - pivot
            out[i] = pivot + part * span if span < np.inf else (1.0 - part) * pivot + part * high
        else:
            out[i] = np.nan
    s[0], s[1], s[2], s[3], s[4] = rows, known, pivot, below, equal
    return 0
