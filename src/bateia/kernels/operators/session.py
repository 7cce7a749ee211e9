"""What has gathered over the rows since `by` last changed its value: a session, a day, a regime.

The current row is included. A row whose `by` is missing belongs to no session and ends none; a missing x is
left out. With a constant for `by` everything is gathered from the stream's start.
"""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import operator


@operator(
    "x",
    "by",
    state=lambda p: 4,
    source="Neumaier (1974): compensated summation; the rounding of a sum as in Knuth, TAOCP 2, 4.2.2",
)
def cumsum(start, stop, x, out, p, s):
    """Sum of x since `by` last changed, without drift however long that is."""
    a, by = x[0], x[1]
    begun, last, total, carry = s[0], s[1], s[2], s[3]
    for i in range(start, stop):
        v, b = a[i], by[i]
        if b != b:
            out[i] = np.nan
            continue
        if b != last or begun == 0.0:
            begun, last, total, carry = 1.0, b, 0.0, 0.0
        new = total + v
        if not abs(new) < np.inf:  # x is missing, or the sum is more than a float holds
            out[i] = np.nan
            continue
        part = new - total
        carry += (total - (new - part)) + (v - part)
        total = new
        out[i] = total + carry
    s[0], s[1], s[2], s[3] = begun, last, total, carry
    return 0


@operator("x", "by", state=lambda p: 3)
def cummax(start, stop, x, out, p, s):
    """Largest x since `by` last changed."""
    a, by = x[0], x[1]
    begun, last, best = s[0], s[1], s[2]
    for i in range(start, stop):
        v, b = a[i], by[i]
        if b != b:
            out[i] = np.nan
            continue
        if b != last or begun == 0.0:
            begun, last, best = 1.0, b, -np.inf
        best = v if v > best else best
        out[i] = best if v == v else np.nan
    s[0], s[1], s[2] = begun, last, best
    return 0


@operator("x", "by", state=lambda p: 4)
def first(start, stop, x, out, p, s):
    """First known x since `by` last changed."""
    a, by = x[0], x[1]
    begun, last, held, value = s[0], s[1], s[2], s[3]
    for i in range(start, stop):
        v, b = a[i], by[i]
        if b != b:
            out[i] = np.nan
            continue
        if b != last or begun == 0.0:
            begun, last, held = 1.0, b, 0.0
        if held == 0.0 and v == v:
            held, value = 1.0, v
        out[i] = value if v == v else np.nan
    s[0], s[1], s[2], s[3] = begun, last, held, value
    return 0


@operator("by", state=lambda p: 2)
def cumcount(start, stop, x, out, p, s):
    """Rows since `by` last changed, the current one included: 1 in a session's first row."""
    by = x[0]
    last, rows = s[0], s[1]
    for i in range(start, stop):
        b = by[i]
        if b != b:
            out[i] = np.nan
            continue
        rows = rows + 1.0 if b == last else 1.0
        last = b
        out[i] = rows
    s[0], s[1] = last, rows
    return 0
